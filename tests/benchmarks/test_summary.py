"""What a run comes to is told in few lines, and the lines hold what the run file says."""

from __future__ import annotations

import pytest

from samegrad.benchmarks.clock import summary

NAMES = [f"implementation-{number}" for number in range(8)]
PASSES = ("forward", "value_and_grad", "train_step")
BATCHES = (4, 256, 16384)


def entry(problem, pass_, batch, verdict="slower"):
    """A group in which each implementation takes one baseline longer than the one before."""
    rows = [
        {
            "implementation": name,
            "median_ns": 1000.0 * n,
            "ratio": float(n),
            "verdict": verdict if n > 1 else "baseline",
        }
        for n, name in enumerate(NAMES, start=1)
    ]
    where = {"problem": problem, "pass": pass_, "batch": batch, "dtype": "float32", "device": "cpu"}
    return {
        **where,
        "baseline": NAMES[0],
        "rows": rows,
        "sentence": f"At batch {batch}, {problem} {pass_}: " + "so " * 200,
    }


def run(**how):
    """What a default run has: two problems, three passes, three batches; and more to say of its noise than fits."""
    groups = [entry(p, x, n, **how) for p in ("xor", "line") for n in BATCHES for x in PASSES]
    noise = {"noisy": True, "reasons": ["the machine changed its speed"] * 9}
    return {"groups": groups, "noise": noise}


def test_a_default_run_fits_a_screen_or_two():
    """Eighty columns wide; with what pytest says itself, at most sixty lines."""
    lines = [*summary.tables(run()["groups"], 80), *summary.conclusion(run(), 80)]
    assert max(map(len, lines)) <= 80 and len(lines) <= 40
    assert len([*summary.conclusion(run(), 80)]) <= 16


def test_every_ratio_stands_in_its_row_and_column():
    lines = [*summary.tables(run()["groups"], 80)]
    assert lines[1].split() == list(PASSES) and lines[2].split() == ["batch", *map(str, BATCHES * 3)]
    rows = {line.split()[0]: line.split()[1:] for line in lines if line.startswith("implementation")}
    assert rows == {name: [f"{n:.2f}"] * 9 for n, name in enumerate(NAMES, start=1)}
    assert [line.split()[2:] for line in lines if line.startswith("baseline takes")] == [["1.00µs"] * 9] * 2


@pytest.mark.parametrize(("verdict", "mark"), [("not resolved", "?"), ("equivalent", "="), (None, "?"), ("faster", "")])
def test_a_verdict_is_a_mark_behind_its_ratio(verdict, mark):
    lines = [*summary.tables(run(verdict=verdict)["groups"], 80)]
    assert all(line.split()[1:] == [f"2.00{mark}"] * 9 for line in lines if line.startswith(NAMES[1]))
    told = " ".join(summary.conclusion(run(verdict=verdict), 80))
    assert ("Not resolved: 126 of 126 comparisons" in told) == (mark == "?")


def test_more_columns_than_fit_are_tables_of_their_own():
    groups = [entry("xor", "value_and_grad", 4**n) for n in range(1, 21)]
    lines = [*summary.tables(groups, 80)]
    assert max(map(len, lines)) <= 80
    assert [batch for line in lines if line.startswith("batch") for batch in line.split()[1:]] == [
        str(4**n) for n in range(1, 21)
    ]
