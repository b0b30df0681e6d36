"""The four words, the baseline, and the structures that the run file and the terminal show."""

from __future__ import annotations

import json

import numpy as np
import pytest

from samegrad.benchmarks.clock.case import Case
from samegrad.benchmarks.clock.tables import noise_lines, render
from samegrad.benchmarks.results import units
from samegrad.benchmarks.results.groups import choose_baseline, group_entry, launch_figures, sentence
from samegrad.benchmarks.results.statistics import Interval, ratio_interval
from samegrad.benchmarks.results.verdict import verdict

CASE = Case("xor", "value_and_grad", 4, "float32", "cpu")
ROUNDS = np.array([1.0, 1.1, 0.9, 1.5, 1.0])  # a common course of five rounds, median 1


def launches(median_ns, *biases):
    return [median_ns * bias * ROUNDS for bias in biases]


@pytest.mark.parametrize(
    ("low", "high", "word"),
    [
        (1.06, 1.20, "slower"),
        (0.80, 0.95, "faster"),
        (0.97, 1.04, "equivalent"),
        (0.953, 1.05, "equivalent"),
        (1.04, 1.06, "not resolved"),
        (0.90, 0.96, "not resolved"),
        (0.90, 1.10, "not resolved"),
        (1.01, 1.04, "equivalent"),  # a difference that is certain, and too small to act on
        (1.0, 1.0, "equivalent"),  # ties
    ],
)
def test_a_verdict_is_given_only_where_the_whole_interval_allows_it(low, high, word):
    assert verdict(Interval(1.0, low, high)) == word


def test_slower_and_faster_mirror_each_other():
    """The margin is symmetric as a ratio: exchanging the two sides exchanges the words, at any interval."""
    mirror = {"slower": "faster", "faster": "slower", "equivalent": "equivalent", "not resolved": "not resolved"}
    rng = np.random.default_rng(3)
    for low, width in np.exp(rng.normal(0, 0.1, (500, 2))):
        high = low * max(width, 1 / width)
        assert verdict(Interval(1.0, 1 / high, 1 / low)) == mirror[verdict(Interval(1.0, low, high))]


def test_the_regression_margin_resolves_what_the_margin_between_implementations_does_not():
    interval = Interval(1.03, 1.02, 1.04)
    assert (verdict(interval), verdict(interval, margin=0.01)) == ("equivalent", "slower")


def test_one_launch_is_a_preview_without_a_verdict():
    entry = group_entry(CASE, {"numpy": launches(1000, 1), "torch-eager": launches(5000, 1)}, {})
    assert [row["verdict"] for row in entry["rows"]] == ["baseline", None]
    assert entry["rows"][1] == {
        "implementation": "torch-eager",
        "median_ns": 5000.0,
        "ratio": pytest.approx(5.0, rel=1e-12),  # a logarithm and an exponential, an ulp or two each
        "low": None,
        "high": None,
        "verdict": None,
        "notes": [],
    }
    assert entry["sentence"] == (
        "At batch 4, xor value_and_grad (float32, cpu): a preview; one launch carries no verdict."
    )
    assert "preview" in render(shown(entry))


def test_a_false_verdict_between_equals_is_rarer_than_one_in_fifty():
    """2000 simulated pairs of equal implementations, processes 1 % apart, five launches: even at the margin of 1 %
    'faster' or 'slower' comes out in at most 2 %. (At no margin at all it would be 5 %, by construction.)"""
    rng = np.random.default_rng(5)
    words = [verdict(ratio_interval(values), margin=0.01) for values in rng.normal(0, 0.01 * 2**0.5, (2000, 5))]
    assert sum(word in ("faster", "slower") for word in words) <= 40


TIMES = {
    "torch-eager": launches(5000, 1.0, 1.01, 0.99),
    "numpy": launches(1000, 1.0, 1.0, 1.0),
    "numpy-copy": launches(1005, 1.0, 1.001, 0.999),
    "jax-jit": launches(1060, 1.02, 1.0, 0.98),
    "floor": launches(50, 1.0, 1.0, 1.0),
}


def test_the_baseline_is_the_fastest_that_is_no_floor_unless_another_was_fixed():
    assert choose_baseline(TIMES, floors={"floor"}) == "numpy"
    assert choose_baseline(TIMES) == "floor"
    assert choose_baseline(TIMES, fixed="jax-jit", floors={"floor"}) == "jax-jit"
    assert choose_baseline(TIMES, fixed="not-in-this-group", floors={"floor"}) == "numpy"
    assert choose_baseline({"floor": TIMES["floor"]}, floors={"floor"}) == "floor"


def test_an_implementation_that_died_is_no_baseline_and_keeps_its_complete_launches():
    times = {**TIMES, "numpy": TIMES["numpy"][:2], "dead-at-once": []}
    entry = group_entry(CASE, times, {}, floors={"floor"})
    assert entry["baseline"] == "numpy-copy"
    rows = {row["implementation"]: row for row in entry["rows"]}
    assert rows["numpy"]["low"] is not None and "dead-at-once" not in rows
    assert launch_figures(times["numpy-copy"], times["numpy"])[2]["log_ratio"] is None


def test_a_group_has_the_run_files_fields_sorted_by_median():
    entry = group_entry(CASE, TIMES, {"numpy": 300}, baseline="numpy")
    assert list(entry) == [
        "group", "problem", "pass", "batch", "dtype", "device", "threads", "baseline", "rounds", "calls", "rows",
        "sentence",
    ]  # fmt: skip
    assert entry["group"] == "xor value_and_grad batch=4 float32 cpu"
    assert (entry["rounds"], entry["calls"], entry["baseline"]) == ([5, 5, 5], {"numpy": 300}, "numpy")
    assert [row["implementation"] for row in entry["rows"]] == [
        "floor",
        "numpy",
        "numpy-copy",
        "jax-jit",
        "torch-eager",
    ]
    assert json.loads(json.dumps(entry)) == entry


def test_an_interval_holds_for_all_pairs_however_the_baseline_came_about():
    """Ten pairs of five, whether the baseline was fixed or picked: Student's quantile at 99.75 %, two degrees."""
    fixed, picked = (group_entry(CASE, TIMES, {}, baseline, {"floor"})["rows"][-1] for baseline in ("numpy", None))
    assert fixed == picked
    logs = np.log([5.0, 5.05, 4.95])
    assert np.log(fixed["high"]) == pytest.approx(logs.mean() + 14.0890472756 * logs.std(ddof=1) / 3**0.5)


def test_the_sentence_says_only_what_is_resolved():
    """torch-eager is far beyond the margin, numpy-copy within it; jax-jit's interval crosses it and goes unsaid."""
    entry = group_entry(CASE, {name: TIMES[name] for name in TIMES if name != "floor"}, {}, baseline="numpy")
    assert [row["verdict"] for row in entry["rows"]] == ["baseline", "equivalent", "not resolved", "slower"]
    interval = units.interval(entry["rows"][-1]["low"], entry["rows"][-1]["high"])
    assert entry["sentence"] == (
        "At batch 4, xor value_and_grad (float32, cpu), against numpy: numpy-copy takes the same time within 5 %; "
        f"torch-eager takes 5.00× the time ({interval})."
    )


def test_the_sentence_admits_that_nothing_is_resolved():
    rows = [{"implementation": "jax-jit", "verdict": "not resolved", "ratio": 1.04, "low": 1.0, "high": 1.1}]
    assert sentence("At batch 4", "numpy", rows).endswith("against numpy: nothing is resolved.")
    assert sentence("At batch 4", "numpy", []).endswith("numpy was measured alone.")


def test_launch_figures_are_those_of_the_run_file():
    figures = launch_figures(launches(2000, 1.0, 1.1), launches(1000, 1.0, 1.0))
    assert [list(launch) for launch in figures] == [
        ["launch", "median_ns", "p10_ns", "p90_ns", "rounds", "log_ratio"]
    ] * 2
    assert figures[0]["median_ns"] == 2000.0 and figures[0]["rounds"] == 5
    assert figures[1]["log_ratio"] == pytest.approx(np.log(2.2), rel=1e-12)  # one logarithm of a rounded quotient


def calm():
    return {"noisy": False, "reasons": [], "yardstick_spread": 1.04, "sentinel": {}}


def shown(entry):
    """The parts of a run file that the tables show, of a calm run with one group."""
    return {"groups": [entry], "fits": [], "cold_start": {}, "noise": calm()}


@pytest.mark.parametrize("width", [80, 120])
def test_the_tables_fit_the_terminal_and_lose_nothing(width):
    """At 80 columns every figure and word is still whole."""
    entry = group_entry(CASE, TIMES, {}, floors={"floor"})
    text = render(shown(entry), width)
    assert max(map(len, text.splitlines())) <= width
    for row in entry["rows"]:
        (line,) = [line for line in text.splitlines() if line.startswith("│ " + row["implementation"] + " ")]
        assert units.time(row["median_ns"]) in line and row["verdict"] in line
        assert row["low"] is None or units.interval(row["low"], row["high"]) in line
    assert " ".join(entry["sentence"].split()) in " ".join(text.split())


def test_the_terminal_says_noisy_and_why():
    noisy = {"noisy": True, "reasons": ["the yardstick …", "a sentinel …"], "yardstick_spread": 1.5, "sentinel": {}}
    assert noise_lines(noisy) == ["NOISY: the yardstick …", "NOISY: a sentinel …"]
    assert noise_lines(calm()) == ["Noise is not known: one launch has no A/A interval."]
