"""Widths: families by their names, takeovers and spreads of times that are known, and nothing claimed without them."""

from __future__ import annotations

import numpy as np
import pytest

from samegrad.benchmarks.results.series import about, family, widths
from samegrad.benchmarks.results.statistics import Interval

WIDTHS = (4, 16, 64, 256, 1024)
EXPECTED = {"cheap": 32.0, "dear": 320.0}
"""Where t(w) = call · (1 + (w/w₂)²) is about twice t(4)."""


def times(rng, launches=5, scatter=0.01, arithmetic=1.0):
    """Two frameworks whose calls cost 10 and 1000 µs, with the same arithmetic, and a floor that has nothing else."""

    def of(call_ns, width):
        ns = call_ns + arithmetic * 1e4 / 1024 * width**2
        return [
            ns * np.exp(scatter * rng.standard_normal()) * np.exp(0.01 * rng.standard_normal(20))
            for _ in range(launches)
        ]

    return {
        width: {name: of(call_ns, width) for name, call_ns in {"cheap": 1e4, "dear": 1e6, "floor": 10.0}.items()}
        for width in WIDTHS
    }


@pytest.mark.parametrize(
    ("problem", "expected"),
    [
        ("2-64-1", ("2-w-1", 64)),
        ("8-64-64-2:relu", ("8-w-w-2:relu", 64)),
        ("8-64-32-2", None),
        ("3-1", None),
        ("xor", None),
        ("line", None),
        ("2-64-1:relu-tanh", ("2-w-1:relu-tanh", 64)),
    ],
)
def test_a_family_is_all_but_the_width_of_the_hidden_layers(problem, expected):
    assert family(problem) == expected


def test_the_takeover_is_where_a_call_takes_twice_as_long_as_at_the_narrowest():
    """t = c + kw² doubles at w ≈ √(c/k): 32 and 320 here; a line between points a factor of 4 apart is 19 % off."""
    result = widths(times(np.random.default_rng(1)), floors=("floor",))
    for name, expected in EXPECTED.items():
        takeover = result.takeovers[name]
        assert takeover.low < takeover.ratio < takeover.high and takeover.ratio == pytest.approx(expected, rel=0.2)
    assert result.takeovers["floor"].ratio < 8


def test_its_interval_holds_the_value_without_scatter_as_often_as_it_says():
    """95 % for both together; 200 trials would give fewer than 90 % once in a thousand."""
    rng = np.random.default_rng(2)
    exact = widths(times(rng, scatter=0)).takeovers
    covered = 0
    for _ in range(200):
        actual = widths(times(rng, scatter=0.03)).takeovers
        covered += all(actual[name].low <= exact[name].ratio <= actual[name].high for name in EXPECTED)
    assert covered >= 180


def test_one_that_never_doubles_has_no_takeover_and_the_sentence_says_so():
    flat = times(np.random.default_rng(3), arithmetic=1e-6)
    result = widths(flat, floors=("floor",))
    assert result.takeovers["cheap"] is None
    text = result.sentence("here")
    assert text.startswith("here: beyond 1,024, the widest, the call still decides for cheap, dear; at 1,024 the ")


def test_all_are_alike_only_from_where_every_wider_interval_is_below_the_limit():
    result = widths(times(np.random.default_rng(4)), floors=("floor",))
    assert list(result.spreads) == list(WIDTHS) and result.count == 2
    assert result.alike_from == 1024  # 100 times at 4, 2.6 at 256, 1.1 at 1024
    text = result.sentence("2-w-1")
    assert text.startswith("2-w-1: the call decides up to a width of about 2") and "for cheap and about " in text
    assert text.endswith("; from 1,024 on all 2 are within 1.2 of each other.")


def test_a_spread_that_widens_again_is_not_alike_before():
    series = times(np.random.default_rng(5))
    series[1024]["dear"] = [2 * launch for launch in series[1024]["dear"]]
    result = widths(series, floors=("floor",))
    assert result.alike_from is None and "the slowest of 2 takes 2." in result.sentence("x")


def test_one_launch_shows_nothing_alike():
    result = widths(times(np.random.default_rng(6), launches=1), floors=("floor",))
    assert result.alike_from is None and result.takeovers["cheap"].low is None
    assert result.sentence("x").endswith("one launch has no interval.")


def test_a_takeover_whose_interval_leaves_the_widths_measured_is_not_reported():
    """Two launches far apart: the t-interval of two values is 25 times as wide as they are apart."""
    series = times(np.random.default_rng(8), launches=2)
    series[64]["cheap"] = [launch * factor for launch, factor in zip(series[64]["cheap"], (0.5, 2), strict=True)]
    text = widths(series, floors=("floor",)).sentence("x")
    assert "where arithmetic takes over is not resolved for cheap" in text and "for cheap and" not in text


def test_two_widths_are_no_series_and_who_is_missing_at_one_is_left_out():
    series = times(np.random.default_rng(7))
    assert widths({width: series[width] for width in (4, 1024)}) is None
    del series[64]["dear"]
    assert list(widths(series).takeovers) == ["cheap", "floor"]


def test_a_width_is_given_to_two_digits():
    assert about(Interval(38.4, 35.1, 411.0)) == "about 38 (35 to 410)" and about(Interval(38.4)) == "about 38"
