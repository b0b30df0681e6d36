"""The example programs get the verdicts that `expected.json` promises."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from samegrad.impls.verifying import verify

FOLDER = Path(__file__).parents[3] / "docs" / "examples"
EXPECTED = json.loads((FOLDER / "expected.json").read_text())


@pytest.mark.slow
@pytest.mark.parametrize("case", EXPECTED, ids=lambda case: case["target"])
def test_an_example_gets_its_verdict(in_this_process, case):
    """Verdict, convention, and the name of the first explanation."""
    if "needs" in case:
        pytest.importorskip(case["needs"])
    loss = str(FOLDER / case["loss"]) if "loss" in case else None
    report = verify.run(str(FOLDER / case["target"]), loss=loss)
    named = report.mistakes[0].name if report.mistakes else None
    assert (report.verdict, report.convention, named) == (case["status"], case["convention"], case.get("mistake"))


def test_every_example_is_listed():
    """A program that lies in the folder without an expected verdict would be tested by nobody."""
    assert {case["target"].split(":")[0] for case in EXPECTED} == {path.name for path in FOLDER.glob("*.py")}


def test_right_and_wrong_programs_are_both_there():
    assert {case["status"] for case in EXPECTED} == {"right", "wrong"}
