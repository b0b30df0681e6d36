"""Shares over time: SciPy's estimate from the list of subjects, and where everybody or nobody succeeds."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from samegrad.benchmarks.results.survival import by_time


def test_shares_and_intervals_are_those_of_the_list():
    """At every time, with its interval inside 0 and 1; what never succeeds is censored."""
    actual = by_time([0, 10, 20, 30], [0, 3, 4], 12)
    assert [point.share for point in actual] == pytest.approx([0, 3 / 12, 7 / 12, 7 / 12])
    times, never = [10] * 3 + [20] * 4 + [30] * 5, [False] * 7 + [True] * 5
    survival = stats.ecdf(stats.CensoredData.right_censored(times, never)).sf
    ends = survival.confidence_interval(method="log-log")
    for point in actual[1:]:
        assert point.low == pytest.approx(1 - ends.high.evaluate(point.time))
        assert point.high == pytest.approx(1 - ends.low.evaluate(point.time))
        assert 0 < point.low < point.share < point.high < 1


@pytest.mark.filterwarnings("error")
def test_all_and_nobody_have_shares_too():
    assert [point.share for point in by_time([0, 1, 2], [5], 5)] == [1, 1, 1]
    assert [tuple(point)[1:] for point in by_time([0, 1, 2], [], 5)] == [(0, 0, 0)] * 3


def test_the_interval_holds_the_share_as_often_as_it_says():
    """95 % of 1,000 samples of 80, within four standard deviations of that count."""
    random = np.random.default_rng(0)
    times = [0, 1, 2, 3]
    draws = [np.bincount(random.choice(4, 80, p=[0, 0.3, 0.2, 0.5]), minlength=4)[:3] for _ in range(1000)]
    inside = sum(point.low <= 0.5 <= point.high for point in (by_time(times, list(draw), 80)[2] for draw in draws))
    assert abs(inside - 950) < 4 * np.sqrt(1000 * 0.95 * 0.05)
