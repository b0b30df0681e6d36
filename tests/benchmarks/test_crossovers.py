"""Crossovers: only where both ends are shown, and only between measured batches."""

from __future__ import annotations

import pytest

from samegrad.benchmarks.results.crossovers import crossovers
from samegrad.benchmarks.results.statistics import Interval


def ratios(**by_batch):
    """One's time over the other's at each batch, known to 2 %."""
    return [(int(batch[1:]), Interval(ratio, ratio / 1.02, ratio * 1.02)) for batch, ratio in by_batch.items()]


def actual(points):
    return [(one.first, one.second, one.low, one.high) for one in crossovers("a", "b", points)]


def test_the_crossing_lies_where_the_lines_of_the_figure_cross():
    """t_a = n and t_b = 100 cross at n = 100 exactly; between 10 and 1,000 the log ratio is linear in log n."""
    (one,) = crossovers("a", "b", ratios(n10=0.1, n1000=10))
    assert (one.first, one.second, one.low, one.high) == ("a", "b", 10, 1000)
    assert one.near == pytest.approx(100)


def test_what_is_not_resolved_at_one_end_is_no_crossing():
    """At 1,000 the interval is too wide, or there is none."""
    for end in (Interval(2.0, 0.5, 8.0), Interval(2.0)):
        assert actual([*ratios(n10=0.1), (1000, end)]) == []


def test_an_unresolved_batch_between_widens_the_bracket():
    """Faster at 10, equal at 100, slower at 1,000: somewhere between 10 and 1,000."""
    assert actual(ratios(n10=0.1, n100=1.0, n1000=10)) == [("a", "b", 10, 1000)]


def test_two_crossings_of_one_pair_are_both_found():
    """There and back."""
    assert actual(ratios(n1=0.5, n10=2.0, n100=0.5)) == [("a", "b", 1, 10), ("b", "a", 10, 100)]


def test_one_that_was_not_measured_everywhere_crosses_nothing_there():
    """A missing batch is no zero."""
    assert actual(ratios(n10=0.1)) == []
