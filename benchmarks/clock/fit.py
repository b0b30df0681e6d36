"""Two numbers that describe an implementation: its fixed cost per call and its rate.

    t(n) = t0 + n/r∞                      n rows a call, t0 the fixed cost, r∞ the asymptotic rate in rows per second
    n½   = t0 · r∞                        the batch at which half of the time is fixed cost (Hockney and Jesshope,
                                          Parallel Computers 2, §1.3.2)

The line is fitted to the medians of one launch by least squares on *relative* residuals, t(n)/tₙ − 1, so that 10 µs at
batch 4 counts as much as 10 ms at batch 262,144; each launch gives a t0 and a 1/r∞, and over launches both get
t-intervals. A fit is marked as not describing the data where the residual at some batch is further from zero than its
scatter over launches explains (t-test at 5 %, corrected for the number of batches) and larger than 10 %. A cache that
is outgrown or a change of algorithm shows in this way; t0 and r∞ are then those of the best line, no more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from samegrad.benchmarks.results.statistics import half_width, t_interval

LEAST_BATCHES = 4
TOLERATED = 0.10


def line(batches: ArrayLike, times_ns: ArrayLike) -> tuple[float, float]:
    """The fixed cost t0 and the cost per row 1/r∞ in ns, neither negative, of one launch's medians: (batches,)."""
    from scipy.optimize import nnls  # its import takes 0.3 s, which pytest need not pay at its start

    n, t = np.asarray(batches, float), np.asarray(times_ns, float)
    (t0_ns, per_row_ns), _ = nnls(np.column_stack([1 / t, n / t]), np.ones_like(t))
    return float(t0_ns), float(per_row_ns)


def fit(batches: Sequence[int], medians_ns: ArrayLike) -> dict[str, Any] | None:
    """The fit of one implementation over launches, ready for JSON, or None with fewer than four batches.

    medians_ns: (launches, batches). Intervals (pairs low, high) are None with one launch, and an end is None where the
    data do not bound it.
    """
    t = np.asarray(medians_ns, float)
    if t.shape[1] < LEAST_BATCHES:
        return None
    lines = np.array([line(batches, launch) for launch in t])
    t0_ns, per_row_ns = lines.mean(axis=0)
    t0_interval, per_row_interval = (_interval(column) for column in lines.T)
    predicted = lines[:, :1] + lines[:, 1:] * np.asarray(batches, float)
    residuals = predicted / t - 1
    describes, worst = _describes(residuals)
    return {
        "t0_ns": t0_ns,
        "t0_interval_ns": t0_interval,
        "per_row_ns": per_row_ns,
        "per_row_interval_ns": per_row_interval,
        "rate_per_s": _inverse(per_row_ns, 1e9),
        "rate_interval_per_s": per_row_interval and [_inverse(end, 1e9) for end in reversed(per_row_interval)],
        "half_batch": _inverse(per_row_ns, t0_ns),
        "describes": describes,
        "worst_residual": float(residuals.mean(axis=0)[worst]),
        "worst_batch": int(batches[worst]),
        "statement": _statement(describes, float(residuals.mean(axis=0)[worst]), int(batches[worst])),
    }


def fits(medians_ns: Mapping[str, Mapping[int, Sequence[float]]]) -> dict[str, Any]:
    """The fit of each implementation of one problem, pass, dtype and device.

    medians_ns: {implementation: {batch: one median per launch}}.
    """
    return {name: {"fit": fit(*_table(by_batch))} for name, by_batch in medians_ns.items()}


def _table(by_batch: Mapping[int, Sequence[float]]) -> tuple[list[int], NDArray[np.float64]]:
    """Batches in order, and the launches that measured all of them: (launches, batches)."""
    batches = sorted(by_batch)
    launches = min(len(by_batch[n]) for n in batches)
    return batches, np.array([by_batch[n][:launches] for n in batches]).T


def _interval(values: NDArray[np.float64]) -> list[float] | None:
    """The t-interval of the mean of one value per launch, not below zero; None with one launch."""
    _, low, high = t_interval(values)
    return None if low is None or high is None else [max(0.0, low), high]


def _describes(residuals: NDArray[np.float64]) -> tuple[bool | None, int]:
    """Whether a line describes the data, None with one launch; and the batch that departs most."""
    launches, batches = residuals.shape
    mean = residuals.mean(axis=0)
    worst = int(np.argmax(np.abs(mean)))
    if launches < 2:
        return None, worst
    scatter = half_width(residuals.std(axis=0, ddof=1) / np.sqrt(launches), launches - 1, batches)
    departs = (np.abs(mean) > scatter) & (np.abs(mean) > TOLERATED)
    return not departs.any(), worst


def _statement(describes: bool | None, residual: float, batch: int) -> str:
    if describes is None:
        return "one launch does not show whether a line describes the data"
    if describes:
        return "a line describes the data"
    return f"a line does not describe the data: at batch {batch} it is off by {residual:+.0%}"


def _inverse(value: float, numerator: float) -> float | None:
    return numerator / value if value > 0 else None
