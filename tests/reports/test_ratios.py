"""Ratios between two implementations of a group, their intervals and what these show."""

from __future__ import annotations

import math

import numpy as np
import pytest

from reports import runs
from reports.ratios import Comparison, compare, log_ratios, t_interval
from reports.records import Case, Group, Launch


def case(name, launches, ratio=math.nan, **more):
    parts = tuple(Launch(np.asarray(samples, dtype=float), float(np.median(samples)), 0.0) for samples in launches)
    samples = np.concatenate([part.samples_ns for part in parts])
    return Case(name, float(np.median(samples)), samples, parts, ratio, **more)


def group(*cases, baseline="base"):
    return Group("g", "xor", "forward", 4, "float32", "cpu", baseline, cases)


def test_the_interval_is_student_s_over_launches():
    """Log ratios 0.9, 1.0, 1.1 have mean 1, s = 0.1, and half width 4.302653·0.1/√3 with two degrees of freedom."""
    found = t_interval([0.9, 1.0, 1.1])
    half = 4.302652729911275 * 0.1 / math.sqrt(3)  # quantile from Student's table, 97.5 %, 2 degrees of freedom
    assert (found.ratio, found.low, found.high) == pytest.approx((math.e, math.exp(1 - half), math.exp(1 + half)))


def test_more_comparisons_widen_the_interval():
    """Ten comparisons share the 5 %: Student's quantile at 99.75 %, 14.0890 with two degrees of freedom."""
    found = t_interval([0.9, 1.0, 1.1], comparisons=10)
    assert math.log(found.high) == pytest.approx(1 + 14.0890472756 * 0.1 / math.sqrt(3))


def test_rounds_are_paired():
    """A drift that hits both alike leaves their ratio exactly as it is, though their medians differ in every launch."""
    drift = np.array([1.0, 3.0, 2.0])
    a, b = case("a", [4 * drift, 4 * drift[::-1]]), case("b", [2 * drift, 2 * drift[::-1]])
    assert log_ratios(a, b) == [math.log(2)] * 2


def test_against_the_baseline_the_file_s_own_figures_stand():
    """The clock has computed them with its own correction; they are not computed anew."""
    a, base = case("a", [[4, 4], [4, 4]], ratio=2.5, low=2.4, high=2.6), case("base", [[2, 2], [2, 2]])
    assert compare(group(a, base), a, base) == Comparison(2.5, 2.4, 2.6)


def test_without_launches_there_is_a_ratio_but_no_verdict():
    """One launch is a preview."""
    a, b = case("a", [[4, 4]]), case("b", [[2, 2]])
    found = compare(group(a, b), a, b)
    assert found.ratio == pytest.approx(2) and math.isnan(found.low) and found.verdict() == ""


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [
        (0.80, 0.94, "faster"),
        (0.80, 0.96, "not resolved"),
        (1.06, 1.2, "slower"),
        (1.04, 1.2, "not resolved"),
        (0.97, 1.03, "equivalent"),
        (0.9, 1.1, "not resolved"),
    ],
)
def test_a_verdict_needs_the_whole_interval(low, high, verdict):
    """Beyond the margin on one side, or inside it; anything else is not resolved."""
    assert Comparison(1.0, low, high).verdict(margin=0.05) == verdict


def test_any_pair_agrees_with_the_two_against_the_baseline(write_run):
    """Through real samples: a/b is (a/base)/(b/base) within the noise of a median of rounds."""
    run = runs.read(write_run())
    for found in run.groups:
        a, b = found.case("keras-xla"), found.case("torch-eager")
        direct = compare(found, a, b)
        assert direct.low < a.ratio / b.ratio < direct.high


def test_turned_round_a_comparison_is_its_inverse():
    """The baseline against a: 1/2.5, from 1/2.6 to 1/2.4."""
    a, base = case("a", [[4, 4], [4, 4]], ratio=2.5, low=2.4, high=2.6), case("base", [[2, 2], [2, 2]])
    assert compare(group(a, base), base, a) == Comparison(1 / 2.5, 1 / 2.6, 1 / 2.4)
