"""From the times of interleaved rounds to a ratio and its interval.

Within one launch, round i gives a time of the implementation, tᵢ, and of the baseline, bᵢ, milliseconds apart. A drift
or a slow state of the machine multiplies both and leaves their ratio alone, so a launch is summed up by

    r = medianᵢ log(tᵢ / bᵢ)                                 the median of the paired log ratios

Launches 1 … L are the sample: a process keeps the layout it was born with (addresses, alignment, caches), which moves
all its rounds together by about 1 %, so rounds of one launch say nothing about the spread between launches. With r̄ the
mean and s the standard deviation of the L values, Student's t-interval and its exponential are

    r̄ ± t(1 − α/2, L − 1) · s/√L             ratio = exp r̄, the geometric mean of the launches' ratios

Nothing here is a mean of times, and nothing asks whether two separate intervals overlap.

Sources. The launch as the unit, repeated at the level that varies most: Kalibera and Jones, "Rigorous benchmarking in
reasonable time", ISMM 2013. Several invocations and a t-interval over them: Georges, Buytaert and Eeckhout,
"Statistically rigorous Java performance evaluation", OOPSLA 2007, §3. Layout as a bias of the process: Mytkowicz,
Diwan, Hauswirth and Sweeney, "Producing wrong data without doing anything obviously wrong!", ASPLOS 2009. Interleaved
random order: Abedi and Brecht, "Conducting repeatable experiments in highly variable cloud computing environments",
ICPE 2017. Ratios are averaged as logarithms: Fleming and Wallace, CACM 29(3), 1986.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

CONFIDENCE = 0.95


class Interval(NamedTuple):
    """A ratio of times and the ends of its interval; the ends are None where one launch alone gives no interval."""

    ratio: float
    low: float | None
    high: float | None


class Quantiles(NamedTuple):
    """The median and the 10th and 90th percentile of times in ns."""

    median_ns: float
    p10_ns: float
    p90_ns: float


def paired_log_ratio(times_ns: ArrayLike, baseline_ns: ArrayLike) -> float:
    """The median over rounds of log(times / baseline).

    times_ns, baseline_ns: (rounds,), aligned by round, in the same unit. Raises ValueError where they are not.
    """
    return float(np.median(log_ratios(times_ns, baseline_ns)))


def log_ratios(times_ns: ArrayLike, baseline_ns: ArrayLike) -> NDArray[np.float64]:
    """log(times / baseline), round by round: (rounds,). Raises ValueError for unequal rounds or impossible times."""
    times, baseline = _times(times_ns), _times(baseline_ns)
    if times.shape != baseline.shape:
        raise ValueError(f"rounds must be paired: found {times.size} of one and {baseline.size} of the other")
    return np.log(times / baseline)


def ratio_interval(log_ratios: ArrayLike, comparisons: int = 1, confidence: float = CONFIDENCE) -> Interval:
    """The ratio over all launches and its t-interval, one of `comparisons` that hold *simultaneously*.

    log_ratios: (launches,), one value per launch. With m comparisons each interval is taken at 1 − (1 − confidence)/m
    (Bonferroni), so that all m cover their true ratios at once with the confidence stated, however they depend on one
    another; they do, through the shared baseline. Holm's step-down procedure rejects more, but has no such intervals
    to show; Dunnett's intervals are narrower, but need an equal variance, which frameworks do not have.

    One launch gives the ratio without an interval. Equal launches give an interval of no width, which says that the
    clock could not tell them apart. Raises ValueError for no launches and for values that are not finite.
    """
    values = np.asarray(log_ratios, dtype=float)
    if values.ndim != 1 or values.size == 0 or not np.isfinite(values).all():
        raise ValueError(f"needs one finite log ratio per launch, found {values.tolist()}")
    if comparisons < 1 or not 0 < confidence < 1:
        raise ValueError(f"needs comparisons ≥ 1 and 0 < confidence < 1, found {comparisons} and {confidence}")
    launches, mean = values.size, values.mean()
    if launches == 1:
        return Interval(float(np.exp(mean)), None, None)
    significance = (1 - confidence) / comparisons
    half = special.stdtrit(launches - 1, 1 - significance / 2) * values.std(ddof=1) / np.sqrt(launches)
    return Interval(*(float(end) for end in np.exp([mean, mean - half, mean + half])))


def comparisons(implementations: int, baseline_was_picked: bool) -> int:
    """How many comparisons a table of k implementations makes.

    Against a baseline that was fixed before these times were measured: k − 1. A baseline picked because it came out
    fastest in them was picked partly for its luck, and the ratios to it come out too large; then all k(k − 1)/2 pairs
    count, so that the intervals hold whichever was picked. Simulated with eight equal implementations, five launches
    and 95 % asked for, all intervals hold in 97 % of tables; counting k − 1 for a picked baseline, in 90 %. A baseline
    picked by the first launch's calibration counts as fixed (95 %): that one launch is little of the whole.
    """
    k = implementations
    return max(1, k * (k - 1) // 2 if baseline_was_picked else k - 1)


def median_interval(log_ratios: ArrayLike, confidence: float = CONFIDENCE) -> Interval:
    """The ratio within *one process* and its distribution-free interval, from the sign test.

    log_ratios: (pairs,), independent pairs. The ends are order statistics whose ranks follow from Binomial(pairs, ½)
    (Conover, Practical Nonparametric Statistics, §3.2); None where there are too few pairs for any. It knows nothing
    of the differences between processes: the clock's self-test uses it for two callables in the same process.
    """
    from scipy import stats  # here, because it is slow to import and only the self-test needs it

    values = np.asarray(log_ratios, dtype=float)
    found = stats.quantile_test(values, q=0.0, p=0.5).confidence_interval(confidence)
    low, high = (float(np.exp(end)) if np.isfinite(end) else None for end in (found.low, found.high))
    return Interval(float(np.exp(np.median(values))), low, high)


def quantiles(times_ns: ArrayLike) -> Quantiles:
    """Median, p10 and p90 of times: (rounds,). Raises ValueError for no times or impossible ones."""
    median, p10, p90 = np.quantile(_times(times_ns), [0.5, 0.1, 0.9])
    return Quantiles(float(median), float(p10), float(p90))


def pooled(launches: Sequence[ArrayLike]) -> NDArray[np.float64]:
    """All rounds of all launches, in order: (rounds of launch 1 + rounds of launch 2 + …,)."""
    return np.concatenate([_times(times) for times in launches])


def _times(times_ns: ArrayLike) -> NDArray[np.float64]:
    times = np.asarray(times_ns, dtype=float)
    if times.ndim != 1 or times.size == 0:
        raise ValueError(f"needs the times of at least one round in one dimension, found shape {times.shape}")
    if not (np.isfinite(times) & (times > 0)).all():
        wrong = times[~(np.isfinite(times) & (times > 0))][0]
        raise ValueError(f"a time must be positive and finite, found {wrong}")
    return times
