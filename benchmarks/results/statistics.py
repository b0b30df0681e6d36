"""From the times of interleaved rounds to a ratio and its interval.

Within one launch, round i gives a time of the implementation, tᵢ, and of the baseline, bᵢ, milliseconds apart. A drift
or a slow state of the machine multiplies both and leaves their ratio alone, so a launch is summed up by

    r = medianᵢ log(tᵢ / bᵢ)                                 the median of the paired log ratios

Launches 1 … L are the sample: a process keeps the layout it was born with (addresses, alignment, caches), which moves
all its rounds together by about 1 %, so rounds of one launch do not show the spread between launches. With r̄ the
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
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

CONFIDENCE = 0.95
MOST_LOG = 700.0
"""A ratio beyond exp of this, as two launches far apart can bound it, would be infinite, which JSON does not have."""


class Interval(NamedTuple):
    """A ratio of times and the ends of its interval; the ends are None where one launch alone gives no interval."""

    ratio: float
    low: float | None = None
    high: float | None = None

    @property
    def inverse(self) -> Interval:
        """The ratio and interval with the two exchanged."""
        return Interval(1 / self.ratio, self.high and 1 / self.high, self.low and 1 / self.low)


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


def t_interval(
    values: ArrayLike, comparisons: int = 1, confidence: float = CONFIDENCE
) -> tuple[float, float | None, float | None]:
    """The mean of independent values and its t-interval, one of `comparisons` that hold *simultaneously*.

    values: (launches,). With m comparisons each interval is taken at 1 − (1 − confidence)/m (Bonferroni), so that all m
    cover their true values at once with the confidence stated, however they depend on one another; ratios do, through
    the launches they share. Holm's step-down procedure rejects more, but has no such intervals to show; Dunnett's
    intervals are narrower, but need an equal variance, which frameworks do not have.

    One value has no interval. Equal values give an interval of no width: the clock could not distinguish them. Raises
    ValueError for no values and for values that are not finite.
    """
    x = np.asarray(values, dtype=float)
    if x.ndim != 1 or x.size == 0 or not np.isfinite(x).all():
        raise ValueError(f"needs one finite value per launch, found {x.tolist()}")
    if comparisons < 1 or not 0 < confidence < 1:
        raise ValueError(f"needs comparisons ≥ 1 and 0 < confidence < 1, found {comparisons} and {confidence}")
    mean = float(x.mean())
    if x.size == 1:
        return mean, None, None
    half = half_width(x.std(ddof=1) / np.sqrt(x.size), x.size - 1, comparisons, confidence)
    return mean, mean - half, mean + half


def half_width(standard_error: ArrayLike, degrees: float, comparisons: int = 1, confidence: float = CONFIDENCE) -> Any:
    """Half of a two-sided interval, one of `comparisons` that hold together: quantile × standard error."""
    return special.stdtrit(degrees, 1 - (1 - confidence) / (2 * comparisons)) * np.asarray(standard_error)


def ratio_interval(log_ratios: ArrayLike, comparisons: int = 1) -> Interval:
    """The ratio over all launches and its interval. log_ratios: (launches,), one value per launch; see `t_interval`."""
    return _exponential(*t_interval(log_ratios, comparisons))


def foreseen(interval: Interval, launches: int, more: int, comparisons: int = 1) -> Interval:
    """The interval that `more` launches would give, if they scatter as the `launches` of this one did."""
    if not (interval.low and interval.high):
        return interval
    now, then = (float(half_width(1 / np.sqrt(count), count - 1, comparisons)) for count in (launches, more))
    half = np.log(interval.high / interval.low) / 2 * then / now
    return _exponential(
        float(np.log(interval.ratio)), float(np.log(interval.ratio) - half), float(np.log(interval.ratio) + half)
    )


def change_interval(before_logs: ArrayLike, after_logs: ArrayLike, comparisons: int = 1) -> Interval:
    """The ratio of what was measured after to what was measured before, whose launches are not paired.

    Two samples of (launches,) logarithms of times, and Welch's interval for the difference of their means. (B. L.
    Welch, "The generalization of Student's problem when several different population variances are involved",
    Biometrika 34, 1947.)
    """
    samples = [np.asarray(logs, dtype=float) for logs in (before_logs, after_logs)]
    before, after = samples
    difference = float(after.mean() - before.mean())
    if min(before.size, after.size) < 2:
        return _exponential(difference, None, None)
    parts = [float(logs.var(ddof=1)) / logs.size for logs in samples]
    if sum(parts) == 0:
        return _exponential(difference, difference, difference)
    degrees = sum(parts) ** 2 / sum(part**2 / (logs.size - 1) for part, logs in zip(parts, samples, strict=True))
    half = float(half_width(np.sqrt(sum(parts)), degrees, comparisons))
    return _exponential(difference, difference - half, difference + half)


def _exponential(mean: float, low: float | None, high: float | None) -> Interval:
    ends = (None if end is None else float(np.exp(np.clip(end, -MOST_LOG, MOST_LOG))) for end in (mean, low, high))
    return Interval(*ends)  # type: ignore[arg-type]


def pairs(implementations: int) -> int:
    """How many comparisons a group of k implementations makes: all k(k − 1)/2 pairs.

    Whoever reads a table compares any two of its rows, and the baseline is mostly the one that came out fastest, partly
    for its luck. So the intervals of all pairs hold together, and each pair has one interval wherever it is shown.
    Simulated with eight equal implementations, five launches and 95 % asked for, all intervals against a picked
    baseline hold in 97 % of tables; counting k − 1, in 90 %.
    """
    return max(1, implementations * (implementations - 1) // 2)


def median_interval(log_ratios: ArrayLike) -> Interval:
    """The ratio within *one process* and its distribution-free interval, from the sign test.

    log_ratios: (pairs,), independent pairs. The ends are order statistics whose ranks follow from Binomial(pairs, ½)
    (Conover, Practical Nonparametric Statistics, §3.2); None where there are too few pairs for any. It knows nothing
    of the differences between processes: the clock's self-test uses it for two callables in the same process.
    """
    from scipy import stats  # here, because it is slow to import and only the self-test needs it

    values = np.asarray(log_ratios, dtype=float)
    ends = stats.quantile_test(values, q=0.0, p=0.5).confidence_interval(CONFIDENCE)
    low, high = (float(np.exp(end)) if np.isfinite(end) else None for end in (ends.low, ends.high))
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
