"""Reading run files: what is refused, in which words, and what is forgiven."""

from __future__ import annotations

import json
import os

import numpy as np
import pytest

from samegrad.benchmarks.documents.run import RunDocument
from samegrad.impls.documents import base
from samegrad.impls.documents.base import DocumentError
from samegrad.reports import runs
from samegrad.reports.material import gather


def refusal(path):
    with pytest.raises(DocumentError) as caught:
        runs.read(path)
    message = str(caught.value)
    assert "\n" not in message and message.startswith(f"{path}: ")
    return message


def test_a_run_comes_back_as_it_was_measured(make_run, write_run):
    """Groups, cases in order of speed, medians and launches are those of the file."""
    content = make_run()
    run = runs.read(write_run(content))
    assert len(run.groups) == 2 * 3 * 3
    for group, stored in zip(run.groups, content["samegrad"]["groups"], strict=True):
        assert (group.name, group.batch, group.baseline) == (stored["group"], stored["batch"], stored["baseline"])
        assert [case.implementation for case in group.cases] == [row["implementation"] for row in stored["rows"]]
        assert [case.median_ns for case in group.cases] == pytest.approx([row["median_ns"] for row in stored["rows"]])
    case, benchmark = run.groups[0].case("numpy"), content["benchmarks"][0]
    assert case.samples_ns == pytest.approx(np.array(benchmark["stats"]["data"]) * 1e9)
    assert np.concatenate([launch.samples_ns for launch in case.launches]) == pytest.approx(case.samples_ns)
    assert case.agreement == benchmark["extra_info"]["agreement"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "is not JSON"),
        ("hello", "is not JSON"),
        ("[1, 2]", "at $: expected `object`, got `array`"),
        ("{}", "is JSON of another kind"),
        ('{"benchmarks": [], "machine_info": {}}', "is plain pytest-benchmark JSON"),
        (
            '{"samegrad": {"format": 2}, "benchmarks": []}',
            "2 is newer than this version of samegrad reads (up to 1)",
        ),
        ('{"samegrad": {"format": "1"}, "benchmarks": []}', "must be a whole number of at least 1, found '1'"),
        ('{"samegrad": {"format": 1}, "benchmarks": 7}', "at $.samegrad: object missing required field `command`"),
        ('{"samegrad":' * 100_000, "is nested too deeply"),
    ],
)
def test_what_is_no_run_file_is_refused_in_one_line(write_run, content, message):
    """Each message names the file, says what was found, and where run files come from."""
    assert message in refusal(write_run(content))


def test_a_file_cut_off_anywhere_is_refused(make_run, write_run):
    """No prefix of a run file is taken for a run, and the message says that it is cut off."""
    whole = json.dumps(make_run(problems=("line",), passes=("forward",), batches=(4,)))
    for length in range(1, len(whole) - 1, 997):
        assert "is cut off" in refusal(write_run(whole[:length]))


def test_binary_missing_and_folder_are_refused(tmp_path):
    """A picture, a path that does not exist, and a folder each get their own words."""
    binary = tmp_path / "picture.json"
    binary.write_bytes(b"\x89PNG\r\n\xff\xfe")
    assert "is not JSON but binary data" in refusal(binary)
    assert "cannot be read (No such file or directory)" in refusal(tmp_path / "missing.json")
    assert "cannot be read" in refusal(tmp_path)


def test_a_benchmark_that_does_not_say_what_it_measured_is_refused(make_run, write_run):
    """The message has the JSON path, and names what is missing or wrong."""
    content = make_run()
    del content["benchmarks"][2]["extra_info"]["dtype"]
    assert "at $.benchmarks[2].extra_info: lacks dtype;" in refusal(write_run(content))
    content = make_run()
    for batch in ("four", 0, 10**30, 2.5, True):
        content["benchmarks"][1]["extra_info"]["batch"] = batch
        assert "at $.benchmarks[1].extra_info.batch: " in refusal(write_run(content))


@pytest.mark.parametrize("data", [[], [0.0], ["1"], [None], [1e300]])
def test_samples_that_are_none_or_do_not_fit_their_launches_are_refused(make_run, write_run, data):
    """Nothing is drawn from a case that lost its samples."""
    content = make_run(problems=("line",), passes=("forward",), batches=(4,))
    content["benchmarks"][1]["stats"]["data"][:1] = data
    assert "at $.benchmarks[1]" in refusal(write_run(content))


def test_a_run_without_a_benchmark_is_refused(make_run, write_run):
    """One line instead of empty figures."""
    content = make_run(problems=("line",), passes=("forward",), batches=(4,))
    content["benchmarks"] = []
    assert "at $.benchmarks: is empty" in refusal(write_run(content))


def test_an_interrupted_run_says_so(make_run, write_run):
    """What was complete is drawn, with the remark."""
    content = make_run()
    content["samegrad"]["interrupted"] = True
    assert runs.read(write_run(content)).remarks == ["the run was interrupted; what was complete by then is here"]


def test_a_resumed_run_and_its_dropped_rounds_are_reported(make_run, write_run):
    """How much is from the earlier run, and every round that was left out."""
    content = make_run(problems=("line",), passes=("forward",), batches=(4, 64))
    ours = content["samegrad"]
    ours["resumed"] = {"file": "runs/a.json", "datetime": "2026-11-21T10:20:30", "groups": {"one": 3, "two": 3}}
    ours["groups"][1]["dropped"] = [{"launch": 2, "round": 7, "in": "numpy", "reason": "the clock stopped"}]
    run = runs.read(write_run(content))
    remark = "the run goes on with an earlier one: 2 groups are from a.json, 2026-11-21 10:20"
    assert run.remarks == [remark]
    (dropped,) = run.ours.groups[1].dropped
    assert (dropped.launch, dropped.round, dropped.in_, dropped.reason) == (2, 7, "numpy", "the clock stopped")
    for strange in (True, "yes", 3, ["x"]):
        ours["resumed"] = strange
        assert "at $.samegrad.resumed: expected" in refusal(write_run(content))


def test_names_are_read_as_one_line_of_text(make_run, write_run):
    """Line ends and control characters in a name cannot break a table or a file; lone surrogates are refused."""
    content = make_run(implementations={"evil\n\x00name": ("numpy", "manual", 1000, 1)})
    run = runs.read(write_run(content))
    assert run.groups[0].cases[0].implementation == "evil name"
    assert "at $" in refusal(write_run(make_run(implementations={"\ud800": ("numpy", "manual", 1000, 1)})))


def test_the_latest_run_is_the_newest_file(tmp_path):
    """By its time of writing, whatever its name; other files do not count."""
    for name, age in (("z.json", 200), ("a.json", 100), ("newest.txt", 0)):
        path = tmp_path / name
        path.write_text("{}")
        os.utime(path, (1e9 - age, 1e9 - age))
    assert base.latest(RunDocument, tmp_path).name == "a.json"


def test_no_run_yet_says_how_to_make_one(tmp_path, monkeypatch):
    """An empty or missing folder is one clear line."""
    monkeypatch.chdir(tmp_path)
    for folder in (RunDocument.FOLDER.parent, RunDocument.FOLDER):
        folder.mkdir(parents=True, exist_ok=True)
        with pytest.raises(
            DocumentError, match="contains no run file; run files are written by `pytest --benchmark-only`"
        ):
            gather()
