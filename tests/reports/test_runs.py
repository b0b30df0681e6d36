"""Reading run files: what is refused, in which words, and what is forgiven."""

from __future__ import annotations

import json
import math
import os

import numpy as np
import pytest

from reports import runs
from reports.runs import RunFileError


def refusal(path):
    with pytest.raises(RunFileError) as caught:
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
        assert [case.median_ns for case in group.cases] == [row["median_ns"] for row in stored["rows"]]
    case, benchmark = run.groups[0].case("numpy"), content["benchmarks"][0]
    assert case.samples_ns == pytest.approx(np.array(benchmark["stats"]["data"]) * 1e9)
    assert np.concatenate([launch.samples_ns for launch in case.launches]) == pytest.approx(case.samples_ns)
    assert case.agreement == benchmark["extra_info"]["agreement"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "is not JSON"),
        ("hello", "is not JSON"),
        ("[1, 2]", "holds a JSON list, not an object"),
        ("{}", "is JSON of another kind"),
        ('{"benchmarks": [], "machine_info": {}}', "is plain pytest-benchmark JSON"),
        (
            '{"samegrad": {"format": 2}, "benchmarks": []}',
            "format 2 is newer than this version of samegrad reads (up to 1)",
        ),
        ('{"samegrad": {"format": "1"}, "benchmarks": []}', "format must be a whole number of at least 1, found '1'"),
        ('{"samegrad": {"format": 1}, "benchmarks": []}', "holds no benchmarks"),
        ('{"samegrad": {"format": 1}, "benchmarks": 7}', "holds no benchmarks"),
        ("[" * 100_000, "is nested too deeply"),
    ],
)
def test_what_is_no_run_file_is_refused_in_one_line(write_run, content, said):
    """Each message names the file, says what was found, and where run files come from."""
    assert said in refusal(write_run(content))


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
    """The message counts the benchmarks from 1 and names what is missing or wrong."""
    content = make_run()
    del content["benchmarks"][2]["extra_info"]["dtype"]
    assert "benchmark 3 lacks dtype" in refusal(write_run(content))
    content = make_run()
    for batch in ("four", 0, 10**30, 2.5, True):
        content["benchmarks"][1]["extra_info"]["batch"] = batch
        said = f"benchmark 2: batch must be a whole number of at least 1, found {batch!r}"
        assert said in refusal(write_run(content))


def test_what_is_missing_is_left_out(make_run, write_run):
    """Without groups, options, environment, launches and agreement the times are still read."""
    content = make_run()
    content["samegrad"] = {"format": 1}
    for benchmark in content["benchmarks"]:
        for what in ("launches", "ratio", "low", "high", "verdict", "agreement", "tau", "framework", "execution"):
            benchmark["extra_info"].pop(what, None)
    run = runs.read(write_run(content))
    case = run.groups[0].case("jax-jit")
    assert case.median_ns == pytest.approx(content["benchmarks"][2]["stats"]["median"] * 1e9)
    assert not case.launches and not case.agreement
    assert run.implementations["jax-jit"]["framework"] == "jax"
    assert run.implementations["jax-jit"]["execution"] == "jit"


def test_a_case_without_samples_is_left_out_with_a_remark(make_run, write_run):
    """No rounds, NaN in all of them, or no statistics at all: the others of the group stay."""
    content = make_run(problems=("line",), passes=("forward",), batches=(4,))
    rows = content["samegrad"]["groups"][0]["rows"]
    empty = ({"data": []}, {"data": [math.nan] * 3, "median": math.nan}, None)
    for benchmark, stats in zip(content["benchmarks"][:3], empty, strict=True):
        benchmark["stats"] = stats
        rows[:] = [row for row in rows if row["implementation"] != benchmark["extra_info"]["implementation"]]
    run = runs.read(write_run(content))
    assert {case.implementation for case in run.groups[0].cases} == {"torch-eager", "keras-xla"}
    assert [remark.split()[0] for remark in run.remarks] == ["numpy", "numpy-tutorial", "jax-jit"]


def test_a_file_of_which_nothing_is_left_is_refused(make_run, write_run):
    """All benchmarks without samples: one line instead of empty figures."""
    content = make_run(problems=("line",), passes=("forward",), batches=(4,))
    content["samegrad"]["groups"] = []
    for benchmark in content["benchmarks"]:
        benchmark["stats"] = {}
    assert "none of its 5 benchmarks has a sample" in refusal(write_run(content))


def test_an_interrupted_run_says_so(make_run, write_run):
    """What was complete is drawn, with the remark."""
    content = make_run()
    content["samegrad"]["interrupted"] = True
    assert runs.read(write_run(content)).remarks == ("the run was interrupted; what was complete by then is here",)


def test_a_resumed_run_and_its_dropped_rounds_are_told(make_run, write_run):
    """How much is from the earlier run, and every round that was left out."""
    content = make_run(problems=("line",), passes=("forward",), batches=(4, 64))
    ours = content["samegrad"]
    ours["resumed"] = {"file": "runs/a.json", "datetime": "2026-11-21T10:20:30", "groups": ["one", "two"]}
    ours["groups"][1]["dropped"] = [{"launch": 2, "round": 7, "in": "numpy", "reason": "the clock stood still"}]
    run = runs.read(write_run(content))
    said = "the run goes on with an earlier one: 2 groups are from a.json, 2026-11-21 10:20"
    assert run.remarks == (said,)
    assert run.dropped == ({"group": ours["groups"][1]["group"], **ours["groups"][1]["dropped"][0]},)
    for strange in (True, "yes", 3, ["x"]):
        ours["resumed"] = ours["groups"][1]["dropped"] = strange
        assert runs.read(write_run(content)).remarks[0].startswith("the run goes on with an earlier one")


def test_names_are_read_as_one_line_of_text(make_run, write_run):
    """Line ends, control characters and lone surrogates in a name cannot break a table, a file or an encoding."""
    content = make_run(implementations={"evil\n\x00\ud800name": ("numpy", "manual", 1000, 1)})
    run = runs.read(write_run(content))
    assert run.groups[0].cases[0].implementation == "evil ?name"


def test_the_latest_run_is_the_newest_file(tmp_path):
    """By its time of writing, whatever its name; other files do not count."""
    for name, age in (("z.json", 200), ("a.json", 100), ("newest.txt", 0)):
        path = tmp_path / name
        path.write_text("{}")
        os.utime(path, (1e9 - age, 1e9 - age))
    assert runs.latest(tmp_path).name == "a.json"


def test_no_run_yet_says_how_to_make_one(tmp_path):
    """An empty or missing folder is one clear line."""
    for folder in (tmp_path, tmp_path / "missing"):
        with pytest.raises(RunFileError, match="holds no run file; run files are written by `pytest --benchmark-only`"):
            runs.latest(folder)
