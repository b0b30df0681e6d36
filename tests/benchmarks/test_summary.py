"""What a run comes to is printed in few lines, and the lines agree with the run file."""

from __future__ import annotations

import pytest

from samegrad.benchmarks.clock import summary

NAMES = [f"implementation-{number}" for number in range(8)]
PASSES = ("forward", "value_and_grad", "train_step")
BATCHES = (4, 256, 16384)


def entry(problem, pass_, batch, verdict="slower", scatter=1.3):
    """A group in which each implementation takes one baseline longer than the one before."""
    rows = [
        {
            "implementation": name,
            "median_ns": 1000.0 * n,
            "ratio": float(n),
            "low": n / scatter,
            "high": n * scatter,
            "verdict": verdict if n > 1 else "baseline",
        }
        for n, name in enumerate(NAMES, start=1)
    ]
    where = {"problem": problem, "pass": pass_, "batch": batch, "dtype": "float32", "device": "cpu"}
    return {
        **where,
        "baseline": NAMES[0],
        "rounds": [20] * 3,
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


def test_every_ratio_is_in_its_row_and_column():
    lines = [*summary.tables(run()["groups"], 80)]
    assert lines[1].split() == list(PASSES) and lines[2].split() == ["batch", *map(str, BATCHES * 3)]
    rows = {line.split()[0]: line.split()[1:] for line in lines if line.startswith("implementation")}
    assert rows == {name: [f"{n:.2f}"] * 9 for n, name in enumerate(NAMES, start=1)}
    assert [line.split()[2:] for line in lines if line.startswith("baseline takes")] == [["1.00µs"] * 9] * 2


def test_what_more_launches_would_resolve_is_printed_as_far_as_the_scatter_shows_it():
    """Two implementations and three launches: by t's quantiles ±30 % becomes ±9.5 % with five."""
    few = entry("xor", "forward", 4, verdict="not resolved")
    few["rows"] = few["rows"][:2]
    text = " ".join(summary.conclusion({**run(), "groups": [few]}, 80))
    assert "Not resolved: 1 of 1 comparisons. 5 launches would resolve about 1 (--launches=5)." in text
    near = {**few["rows"][1], "ratio": 1.06, "low": 1.06 / 1.3, "high": 1.06 * 1.3}
    text = " ".join(summary.conclusion({**run(), "groups": [{**few, "rows": [few["rows"][0], near]}]}, 80))
    assert "More launches would resolve none soon." in text


@pytest.mark.parametrize(("verdict", "mark"), [("not resolved", "?"), ("equivalent", "="), (None, "?"), ("faster", "")])
def test_a_verdict_is_a_mark_behind_its_ratio(verdict, mark):
    lines = [*summary.tables(run(verdict=verdict)["groups"], 80)]
    assert all(line.split()[1:] == [f"2.00{mark}"] * 9 for line in lines if line.startswith(NAMES[1]))
    text = " ".join(summary.conclusion(run(verdict=verdict), 80))
    assert ("Not resolved: 126 of 126 comparisons" in text) == (mark == "?")


def test_more_columns_than_fit_are_tables_of_their_own():
    groups = [entry("xor", "value_and_grad", 4**n) for n in range(1, 21)]
    lines = [*summary.tables(groups, 80)]
    assert max(map(len, lines)) <= 80
    assert [batch for line in lines if line.startswith("batch") for batch in line.split()[1:]] == [
        str(4**n) for n in range(1, 21)
    ]
