"""Fixed cost and rate: recovered from lines, their intervals cover, and what is no line is marked."""

from __future__ import annotations

import numpy as np
import pytest

from samegrad.benchmarks.clock.fit import fit, fits, line
from samegrad.benchmarks.clock.tables import render

BATCHES = [4**power for power in range(1, 10)]
N = np.array(BATCHES, float)


def launches(rng, t0_ns, per_row_ns, scatter=0.01, count=5, shape=1.0):
    return (t0_ns + per_row_ns * N) * shape * np.exp(rng.normal(0, scatter, (count, len(N))))


@pytest.mark.parametrize(("t0_ns", "per_row_ns"), [(200.0, 2.2), (20_000.0, 30.0), (100_000.0, 0.5)])
def test_an_exact_line_is_recovered(t0_ns, per_row_ns):
    """To the rounding of a least squares solution, whose condition the relative weights keep below about 1e3."""
    assert line(BATCHES, t0_ns + per_row_ns * N) == pytest.approx((t0_ns, per_row_ns), rel=1e3 * 2**-52)


def test_small_batches_count_as_much_as_large_ones():
    """Times doubled at the three smallest batches move t0; unweighted, they would vanish beside milliseconds."""
    times = 1000 + 1.0 * N
    doubled = np.where(N <= 64, 2 * times, times)
    assert line(BATCHES, doubled)[0] > 1.3 * line(BATCHES, times)[0]


def test_intervals_cover_the_truth():
    """At 95 %: of 400 simulated runs at least 92 %, below which a true 95 % falls in one of a hundred such tests."""
    rng = np.random.default_rng(0)
    runs, hits = 400, np.zeros(2)
    for _ in range(runs):
        actual = fit(BATCHES, launches(rng, 10_000.0, 5.0))
        assert actual is not None
        hits += [
            actual["t0_interval_ns"][0] <= 10_000 <= actual["t0_interval_ns"][1],
            actual["per_row_interval_ns"][0] <= 5 <= actual["per_row_interval_ns"][1],
        ]
    assert (hits / runs >= 0.92).all()


def test_a_line_is_called_a_line_and_a_bend_is_not():
    """Calm lines pass in 95 % of runs or more; a cache outgrown, twice as slow beyond 65,536 rows, is named."""
    rng = np.random.default_rng(1)
    calm = [fit(BATCHES, launches(rng, 5_000.0, 3.0)) for _ in range(200)]
    assert np.mean([actual["describes"] for actual in calm]) >= 0.95
    bent = fit(BATCHES, launches(rng, 5_000.0, 3.0, shape=np.where(N > 65536, 2.0, 1.0)))
    assert bent is not None and bent["describes"] is False
    assert "does not describe" in bent["statement"] and str(bent["worst_batch"]) in bent["statement"]


def test_half_batch_is_where_half_of_the_time_is_fixed_cost():
    actual = fit(BATCHES, np.vstack([1000 + 2.0 * N] * 2))
    assert actual is not None
    assert 2.0 * actual["half_batch"] == pytest.approx(1000, rel=1e-9)  # exact data; the fit's own rounding, with room


def test_one_launch_has_no_interval_and_few_batches_no_fit():
    actual = fit(BATCHES, [1000 + 2.0 * N])
    assert actual is not None and actual["t0_interval_ns"] is None and actual["describes"] is None
    assert fit([4, 16, 64], np.ones((3, 3))) is None


def test_a_flat_time_has_no_rate():
    """Nothing grows with the batch: the rate is not known rather than infinite."""
    actual = fit(BATCHES, np.full((2, len(N)), 700.0))
    assert actual is not None and actual["t0_ns"] == pytest.approx(700)
    assert actual["rate_per_s"] is None or actual["half_batch"] > 1e9


def test_the_table_shows_fixed_cost_rate_and_doubt():
    """Beside each figure its interval; a line that does not describe the data is marked in the same row."""
    rng = np.random.default_rng(2)
    bent = launches(rng, 5_000.0, 3.0, shape=np.where(N > 65536, 2.0, 1.0))
    medians = {"bent": {n: list(bent[:, i]) for i, n in enumerate(BATCHES)}}
    entry = {"problem": "xor", "pass": "forward", "dtype": "float32", "device": "cpu", "implementations": fits(medians)}
    text = render({"groups": [], "fits": [entry], "cold_start": {}})
    assert "µs" in text and " to " in text and "does not" in text
