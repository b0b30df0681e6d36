"""Numbers as people read them."""

from __future__ import annotations

from pathlib import Path

import pytest

from samegrad.benchmarks.results import units


@pytest.mark.parametrize(
    ("ns", "shown"),
    [
        (0.4567, "0.457 ns"),
        (850, "850 ns"),
        (999.4, "999 ns"),
        (999.6, "1.00 µs"),
        (18_234, "18.2 µs"),
        (999_600, "1.00 ms"),
        (1_240_000, "1.24 ms"),
        (3.1e9, "3.10 s"),
        (4.2e12, "4,200 s"),
        (0, "0 ns"),
        (float("nan"), "–"),
    ],
)
def test_a_time_has_three_digits_and_its_unit(ns, shown):
    """The unit is the largest that leaves at least one digit before the point, rounding included."""
    assert units.time(ns) == shown


def test_fewer_digits_round_up_to_the_next_unit_earlier():
    """996 ms to two digits is 1.0 s, not 1,000 ms."""
    assert (units.time(996e6, 2), units.time(994e6, 2), units.time(-996e6, 2)) == ("1.0 s", "990 ms", "-1.0 s")


@pytest.mark.parametrize(
    ("value", "shown"),
    [(1, "1.00"), (4.123, "4.12"), (9.996, "10.0"), (18.27, "18.3"), (2280, "2,280"), (0.0512, "0.0512")],
)
def test_a_ratio_has_three_digits(value, shown):
    """Rounding up to a new digit drops a decimal."""
    assert units.ratio(value) == shown


def test_an_interval_without_ends_says_nothing():
    """With one launch there is no interval."""
    assert units.interval(3.9, 4.3) == "3.90 to 4.30"
    assert units.interval(float("nan"), 4.3) == ""


def test_an_interval_of_two_launches_that_disagree_says_that_they_are_too_few():
    """Ends more than a hundredfold apart leave nothing to be read, and no band to be drawn."""
    assert units.interval(1.0, 100.0) == "1.00 to 100" and units.known(1.0, 100.0) == (1.0, 100.0)
    assert units.interval(1.0, 100.1) == "too few launches" and units.known(1.0, 100.1) is None
    assert units.known(None, 2.0) is None


def test_the_page_s_script_draws_the_line_at_the_same_place():
    script = Path("reports/page/units.js").read_text(encoding="utf-8")
    assert f"high > {units.MOST_KNOWN:g} * low" in script and '"too few launches"' in script
