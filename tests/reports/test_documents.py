"""The documents beside a run (ladder, optimizers, self-check, sharpness): read, shown, drawn, and refused when bad."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest

from samegrad.benchmarks.documents.ladder import Ladder
from samegrad.benchmarks.documents.run import RunDocument
from samegrad.benchmarks.documents.selfcheck import Selfcheck
from samegrad.benchmarks.results import units
from samegrad.impls.documents import base
from samegrad.impls.documents.base import DocumentError
from samegrad.impls.documents.sharpness import Sharpness
from samegrad.reports.material import BESIDE, gather
from samegrad.reports.parts import call_cost, goals
from samegrad.reports.report import contents
from tests.reports.drawn import render

STORED = Path(__file__).with_name("stored")
SAMPLE = Path(__file__).parents[2] / "reports/sample"
SECTIONS = {"ladder": ["call-cost", "goals"], "optimizers": ["optimizers"]}
SECTIONS |= {"closed_loops": ["closed-loops"], "selfcheck": ["selfcheck"], "sharpness": ["sharpness"]}


@pytest.fixture(params=SECTIONS)
def name(request):
    return request.param


def stored(name):
    return json.loads((STORED / f"{name}-1.json").read_text(encoding="utf-8"))


def sections(page):
    return re.findall(r'<section id="([^"]+)"', page)


def test_each_is_known_by_its_format_and_has_a_page_alone(name):
    """Whatever the file is called, and without a run; every number of its tables can be saved."""
    material = gather([STORED / f"{name}-1.json"])
    assert getattr(material, name) is not None and not material.runs
    page = render(material)
    assert sections(page) == SECTIONS[name] and 'class="data"' in page
    assert "table.md" not in contents(material)


def test_a_newer_or_another_one_is_one_clear_line(name, write_run):
    """As for run files."""
    for change, message in (({"format_version": 2}, "newer than this version"), ({"format_version": "x"}, "found 'x'")):
        with pytest.raises(DocumentError, match=message):
            gather([write_run({**stored(name), **change})])
    with pytest.raises(DocumentError, match="is JSON of another kind"):
        base.read(STORED / "starts-1.json", [BESIDE[name]])


def test_the_first_selfcheck_and_sharpness_files_are_known_by_what_they_hold(write_run):
    """Their format is a number alone."""
    for name in ("selfcheck", "sharpness"):
        old = {**stored(name), "format": 1}
        del old["format_version"]
        assert getattr(gather([write_run(old)]), name) is not None


def test_goals_are_reported_as_they_were_judged():
    """The words are the ladder's own; a goal of at most so much is reached by less."""
    readings = base.read(STORED / "ladder-1.json", [Ladder])
    document = stored("ladder")
    assert [goal.word for goal in readings.goals] == [goal["word"] for goal in document["goals"]]
    faster = next(goal for goal in readings.goals if not goal.at_most and goal.ratio and goal.factor)
    slower = next(goal for goal in readings.goals if goal.at_most and goal.ratio and goal.factor)
    assert goals.reached(faster)[0] == pytest.approx(faster.ratio / faster.factor)
    value, low, high = goals.reached(slower)
    assert value == pytest.approx(slower.factor / slower.ratio) and low <= value <= high
    page = render(gather([STORED / "ladder-1.json"]))
    assert "Of 22 goals: 2 met, 20 not resolved." in page
    assert "Left out: keras-fit, keras-train-on-batch: Keras" in page


def test_the_parts_of_a_call_are_shares_of_it():
    """They add up to one, and a part below 0 has none of it, but is shown."""
    readings = base.read(STORED / "ladder-1.json", [Ladder])
    for cost in readings.costs:
        shares = call_cost.shares(cost, list(cost.parts))
        assert sum(shares) == pytest.approx(100) and min(shares) >= 0
    negative = next(cost for cost in readings.costs if cost.medians_ns["dispatch"] < 0)
    assert call_cost.shares(negative, ["dispatch", "waiting"])[0] == 0
    assert f">{units.time(negative.medians_ns['dispatch'])}</td>" in render(gather([STORED / "ladder-1.json"]))


def test_an_optimizer_that_is_aligned_in_name_only_is_named(write_run):
    """Planted: one is farther than rounding; else all are the textbook's."""
    content = stored("optimizers")
    assert "aligned, all are the textbook" in render(gather([write_run(content)]))
    row = content["rows"][5]
    row["aligned"] = 1e-3
    page = render(gather([write_run(content)]))
    assert f"aligned, {row['optimizer']} of {row['implementation']} still is." in page


def test_a_training_that_rounding_does_not_explain_is_named(write_run):
    """Planted: one is farther than allowed."""
    content = stored("closed_loops")
    allowed = content["settings"]["allowed"]
    assert "Rounding explains what is between all" in render(gather([write_run(content)]))
    row = content["rows"][0]
    row["times_shadow"] = allowed * 1.01
    sentence = f"does not explain 1: {row['problem']} with {row['optimizer']} by {row['implementation']}."
    assert sentence in render(gather([write_run(content)]))


def test_a_selfcheck_of_another_machine_says_so(make_run, write_run):
    """And the run's own section quotes what it found of equals."""
    run = make_run(problems=("line",), passes=("forward",), batches=(4,))
    page = render(gather([write_run(run), STORED / "selfcheck-1.json"]))
    assert "Another machine than the run&#39;s: AMD EPYC; the run was made on AMD EPYC 7B13." in page
    assert "Equals in which the clock itself saw a difference, on a quiet machine: in one process 0 of 23" in page
    run["samegrad"]["environment"]["cpu"] = "AMD EPYC"
    assert "Another machine" not in render(gather([write_run(run), STORED / "selfcheck-1.json"]))


def test_promises_and_figures_have_their_units():
    """A share in percent, a time in its unit, a promise as it was given."""
    readings = base.read(STORED / "selfcheck-1.json", [Selfcheck])
    shown = {(f.check, f.what): (f.in_words, f.promised, f.result) for f in readings.promises if f.arm == "ours"}
    assert shown["in one process", "A/A: false verdict, no margin"] == ("8 of 23 = 34.8 %", "≤ 8 %", "missed")
    assert shown["bias", "a call of 4 µs, against timeit"] == ("-0.92 %", "±1 %", "met")
    assert readings.summary.startswith(f"Of {len(shown)} promises ") or readings.summary.startswith("Of ")


def test_sharpness_counts_are_the_document_s():
    """Every checker at every scale."""
    document = stored("sharpness")
    readings = base.read(STORED / "sharpness-1.json", [Sharpness])
    assert readings.missed == document["missed"] and set(readings.checkers) == set(document["downcasts_missed"])


def test_a_bare_report_finds_the_latest_of_every_kind(tmp_path, monkeypatch):
    """Each in the folder where commands save it; the older of two is left."""
    monkeypatch.chdir(tmp_path)
    for kind in (RunDocument, *BESIDE.values()):
        kind.FOLDER.mkdir(parents=True)
    (RunDocument.FOLDER / "b.json").write_bytes((STORED / "format-1.json").read_bytes())
    for name, kind in BESIDE.items():
        (kind.FOLDER / "a.json").write_text("{}")
        os.utime(kind.FOLDER / "a.json", (1e9, 1e9))
        (kind.FOLDER / "b.json").write_bytes((STORED / f"{name}-1.json").read_bytes())
    material = gather()
    assert material.runs and all(getattr(material, name) is not None for name in BESIDE)
    assert {path.name for path in material.paths} == {"b.json"} and len(material.paths) == 1 + len(BESIDE)


def test_the_sample_s_documents_are_read():
    """What the repository shows is drawn by what the repository holds."""
    material = gather(sorted(SAMPLE.glob("*.json")))
    assert material.runs and material.selfcheck and material.sharpness
