"""Exact intervals for scripted times, and their coverage by simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from samegrad.benchmarks.results.statistics import (
    median_interval,
    paired_log_ratio,
    pairs,
    pooled,
    quantiles,
    ratio_interval,
)

ROUNDING = 1e-12  # logarithms, sums and exponentials of a few doubles near 1 err by some 2⁻⁵², about 2e-16, each


def close(value):
    return pytest.approx(value, rel=ROUNDING, abs=ROUNDING)


def test_a_drift_that_hits_both_leaves_the_paired_ratio_exact():
    """The machine slows down threefold during a launch; the ratio of the medians of half of it would be far off."""
    drift = np.linspace(1.0, 3.0, 60)
    assert paired_log_ratio(1200 * drift, 1000 * drift) == close(math.log(1.2))


def test_a_level_shift_in_the_middle_leaves_the_paired_ratio_exact():
    """Half of the rounds run in the machine's slow state."""
    level = np.repeat([1.0, 1.5], 30)
    assert paired_log_ratio(1050 * level, 1000 * level) == close(math.log(1.05))


def test_a_burst_that_hits_one_side_alone_moves_nothing():
    """A few rounds of one implementation are ten times too slow: the median does not see them."""
    times = np.full(60, 1100.0)
    times[::10] *= 10
    assert paired_log_ratio(times, np.full(60, 1000.0)) == close(math.log(1.1))


def test_bimodal_times_give_the_ratio_of_the_common_mode():
    """One implementation has two modes, 70 % of its rounds in the lower."""
    times = np.where(np.arange(100) % 10 < 7, 1000.0, 1400.0)
    assert paired_log_ratio(times, np.full(100, 1000.0)) == close(0.0)


def test_ties_give_a_ratio_of_one_and_an_interval_of_no_width():
    """A clock too coarse to tell the two apart: every time is the same."""
    tie = paired_log_ratio(np.full(60, 512.0), np.full(60, 512.0))
    assert tie == 0.0
    assert ratio_interval([tie] * 3) == (1.0, 1.0, 1.0)


def test_the_ratio_is_antisymmetric():
    """A against B and B against A are reciprocal, also for an even number of rounds."""
    rng = np.random.default_rng(1)
    a, b = rng.lognormal(size=(2, 40))
    assert paired_log_ratio(a, b) == close(-paired_log_ratio(b, a))


def t_of_two_degrees(confidence):
    """The two-sided quantile of Student's t with two degrees of freedom, in closed form: √2·c / √(1 − c²)."""
    return math.sqrt(2) * confidence / math.sqrt(1 - confidence**2)


@pytest.mark.parametrize(("count", "share"), [(1, 0.95), (4, 0.9875), (10, 0.995)])
def test_the_intervals_of_three_launches_are_exact(count, share):
    """Log ratios 0.1, 0.2, 0.3: mean 0.2, s = 0.1. Bonferroni: m comparisons are taken at 1 − 0.05/m each."""
    ratio, low, high = ratio_interval([0.1, 0.2, 0.3], comparisons=count)
    half = t_of_two_degrees(share) * 0.1 / math.sqrt(3)
    assert [math.log(end) for end in (ratio, low, high)] == [close(0.2), close(0.2 - half), close(0.2 + half)]


def test_one_launch_has_a_ratio_but_no_interval():
    assert ratio_interval([math.log(2)]) == (close(2.0), None, None)


@pytest.mark.parametrize("values", [[], [0.1, math.nan], [math.inf], [[0.1, 0.2]]])
def test_log_ratios_that_are_none_or_not_finite_are_refused(values):
    with pytest.raises(ValueError, match="one finite value per launch"):
        ratio_interval(values)


@pytest.mark.parametrize("wrong", [0.0, -1.0, math.nan, math.inf])
def test_impossible_times_are_refused_by_value(wrong):
    with pytest.raises(ValueError, match=f"positive and finite, found {wrong}"):
        paired_log_ratio([1.0, wrong], [1.0, 1.0])


def test_rounds_that_are_not_paired_are_refused():
    with pytest.raises(ValueError, match="found 3 of one and 2 of the other"):
        paired_log_ratio([1.0, 1.0, 1.0], [1.0, 1.0])
    with pytest.raises(ValueError, match="at least one round"):
        paired_log_ratio([], [])


def test_quantiles_and_pooling_keep_the_unit_and_the_order():
    assert quantiles(np.arange(1, 102)) == (51.0, 11.0, 91.0)
    assert pooled([np.array([3.0]), np.array([1.0, 2.0])]).tolist() == [3.0, 1.0, 2.0]


def simulate(runs: int, launches: int, implementations: int, picked: str, seed: int) -> float:
    """The share of simulated tables, of truly equal implementations, all of whose intervals hold the true ratio 1.

    Every process draws a bias of sd 1 % for life; its rounds scatter by 1 % around that, at a level that shifts by half
    for part of the launch, as on a shared machine.
    """
    rng = np.random.default_rng(seed)
    level = np.repeat([1.0, 1.5], [8, 3])
    covered = 0
    for _ in range(runs):
        process = rng.normal(0, 0.01, (implementations, launches, 1))
        times = level * np.exp(process + rng.normal(0, 0.01, (implementations, launches, level.size)))
        speeds = {
            "in advance": np.arange(implementations),
            "by calibration": np.median(times[:, 0, :2], axis=1),
            "from the times": np.median(times, axis=(1, 2)),
        }
        base = int(np.argmin(speeds[picked]))
        count = pairs(implementations)
        intervals = [
            ratio_interval([paired_log_ratio(a, b) for a, b in zip(times[i], times[base], strict=True)], count)
            for i in range(implementations)
            if i != base
        ]
        covered += all(low <= 1 <= high for _, low, high in intervals)
    return covered / runs


@pytest.mark.parametrize(
    ("launches", "implementations", "picked"),
    [
        (3, 2, "in advance"),
        (5, 2, "in advance"),
        (5, 4, "in advance"),
        (3, 5, "by calibration"),
        (5, 5, "from the times"),
        (3, 6, "from the times"),
    ],
)
def test_all_intervals_of_a_table_cover_together_as_often_as_promised(launches, implementations, picked):
    """At least 94 % of tables, however the baseline came about.

    The limit leaves the simulation its own error: of 1500 tables covered at 95 %, sd = √(0.95·0.05/1500) = 0.6 %.
    """
    assert simulate(1500, launches, implementations, picked, seed=launches + implementations) >= 0.94


def test_without_counting_all_pairs_a_picked_baseline_would_not_be_covered(monkeypatch):
    """The fault that `pairs` guards against, planted: eight equal implementations, the fastest as baseline."""
    monkeypatch.setitem(globals(), "pairs", lambda k: k - 1)
    assert simulate(500, 5, 8, picked="from the times", seed=1) < 0.94


def test_all_pairs_of_a_group_are_counted():
    assert [pairs(5), pairs(2), pairs(1)] == [10, 1, 1]


def test_the_sign_interval_has_the_ranks_of_the_binomial():
    """100 pairs: ranks 40 and 61, since P(Binomial(100, ½) ≤ 39) = 0.0176 ≤ 0.025 < 0.0284 = P(… ≤ 40)."""
    assert stats.binom.cdf([39, 40], 100, 0.5) == pytest.approx([0.0176, 0.0284], abs=5e-5)
    values = np.arange(1, 101) / 1000
    ratio, low, high = median_interval(np.random.default_rng(0).permutation(values))
    assert [math.log(end) for end in (ratio, low, high)] == [close(0.0505), close(0.040), close(0.061)]


def test_the_sign_interval_of_too_few_pairs_has_no_ends():
    assert median_interval([0.0, 0.1, 0.2]) == (close(math.exp(0.1)), None, None)


def test_the_sign_interval_covers():
    """At least 94 % of 1500 simulated sets of 101 pairs with heavy tails (Student's t of two degrees)."""
    rng = np.random.default_rng(7)
    sets = 0.02 * rng.standard_t(2, (1500, 101))
    covered = sum(low <= 1 <= high for _, low, high in map(median_interval, sets))
    assert covered / 1500 >= 0.94
