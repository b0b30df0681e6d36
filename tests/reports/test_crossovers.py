"""Crossovers: only where both ends are shown, and only between measured batches."""

from __future__ import annotations

import math

import numpy as np
import pytest

from reports.crossovers import crossovers
from reports.records import Case, Group, Launch


def group(batch, spread=1.0, **times):
    """One group; each launch's times are spread by the factors 1/spread, 1 and spread, oppositely for the two."""
    cases = []
    for sign, (name, ns) in zip((1, -1), times.items(), strict=False):
        parts = tuple(Launch(np.array([ns * spread ** (sign * power)]), ns, math.nan) for power in (-1, 0, 1))
        cases.append(Case(name, ns, np.concatenate([part.samples_ns for part in parts]), parts))
    return Group(f"g{batch}", "xor", "forward", batch, "float32", "cpu", "", tuple(cases))


def test_the_crossing_lies_where_the_lines_of_the_figure_cross():
    """t_a = n and t_b = 100 cross at n = 100 exactly; between 10 and 1,000 the log ratio is linear in log n."""
    (found,) = crossovers([group(10, a=10, b=100), group(1000, a=1000, b=100)], ["a", "b"])
    assert (found.first, found.second, found.low, found.high) == ("a", "b", 10, 1000)
    assert found.near == pytest.approx(100)


def test_what_is_not_resolved_at_one_end_is_no_crossing():
    """At 1,000 the launches scatter by a factor of three: nothing is shown there."""
    assert crossovers([group(10, a=10, b=100), group(1000, spread=3, a=1000, b=500)], ["a", "b"]) == []


def test_an_unresolved_batch_between_widens_the_bracket():
    """Faster at 10, equal at 100, slower at 1,000: somewhere between 10 and 1,000."""
    groups = [group(10, a=10, b=100), group(100, a=100, b=100), group(1000, a=1000, b=100)]
    (found,) = crossovers(groups, ["a", "b"])
    assert (found.low, found.high) == (10, 1000) and found.near == pytest.approx(100)


def test_two_crossings_of_one_pair_are_both_found():
    """There and back."""
    groups = [group(1, a=1, b=2), group(10, a=2, b=1), group(100, a=1, b=2)]
    assert [(found.first, found.low, found.high) for found in crossovers(groups, ["a", "b"])] == [
        ("a", 1, 10),
        ("b", 10, 100),
    ]


def test_one_that_was_not_measured_everywhere_crosses_nothing_there():
    """A missing case is no zero."""
    assert crossovers([group(10, a=10, b=100), group(1000, a=1000)], ["a", "b"]) == []
