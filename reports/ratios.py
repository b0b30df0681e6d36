"""How two implementations of one group compare: a ratio of times, its interval, and what that interval shows.

The run file holds every implementation against the group's baseline, computed by the clock. This is the same estimate
for any other pair: per launch the median over its rounds of log(tᵃ/tᵇ), the rounds being paired, and over the launches
a t-interval, for a launch is one sample (research on process effects: Kalibera & Jones 2013, "Rigorous benchmarking in
reasonable time").
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache, lru_cache
from statistics import fmean, median

from reports.reading import NOTHING
from reports.records import Case, Group

CONFIDENCE = 0.95
MARGIN = 0.05
"""Between implementations, differences below this are not called differences: processes alone differ by 2 to 4 %."""


@dataclass(frozen=True)
class Comparison:
    """The time of one over the time of another, with its interval (NaN with fewer than two launches)."""

    ratio: float
    low: float = NOTHING
    high: float = NOTHING

    def verdict(self, margin: float = MARGIN) -> str:
        """`faster` or `slower` where the whole interval lies beyond the margin, `equivalent` where it lies inside.

        Empty where there is no interval.
        """
        if not math.isfinite(self.low + self.high):
            return ""
        if self.high < 1 / (1 + margin):
            return "faster"
        if self.low > 1 + margin:
            return "slower"
        return "equivalent" if 1 / (1 + margin) <= self.low and self.high <= 1 + margin else "not resolved"


@lru_cache(maxsize=100_000)
def compare(group: Group, a: Case, b: Case, comparisons: int = 1) -> Comparison:
    """a's time over b's within a group: the run file's own figures against its baseline, else from the launches.

    `comparisons` is the size of the family that is judged together (Bonferroni).
    """
    if a is b:
        return Comparison(1.0)
    if b.implementation == group.baseline and math.isfinite(a.ratio):
        return Comparison(a.ratio, a.low, a.high)
    if a.implementation == group.baseline and math.isfinite(b.ratio):
        return Comparison(1 / b.ratio, 1 / b.high, 1 / b.low)
    logs = log_ratios(a, b)
    if not logs:
        return Comparison(a.median_ns / b.median_ns)
    return t_interval(logs, comparisons)


def log_ratios(a: Case, b: Case) -> list[float]:
    """One log ratio per launch that both have: from paired rounds where they are paired, else from the summaries."""
    found = []
    for mine, other in zip(a.launches, b.launches, strict=False):
        if mine.samples_ns.size and mine.samples_ns.size == other.samples_ns.size:
            known = [log for log in (mine.logs - other.logs).tolist() if math.isfinite(log)]
            found.append(median(known) if known else NOTHING)
        else:
            found.append(mine.log_ratio - other.log_ratio)
    return [log for log in found if math.isfinite(log)]


def t_interval(logs: list[float], comparisons: int = 1) -> Comparison:
    """exp of the mean log ratio, with a two-sided t-interval at 95 % for all comparisons together."""
    if len(logs) < 2:
        return Comparison(math.exp(logs[0]))
    mean = fmean(logs)
    variance = math.fsum((log - mean) ** 2 for log in logs) / (len(logs) - 1)
    half = quantile(len(logs) - 1, comparisons) * math.sqrt(variance / len(logs))
    return Comparison(math.exp(mean), math.exp(mean - half), math.exp(mean + half))


@cache
def quantile(degrees: int, comparisons: int) -> float:
    """Student's t for a two-sided interval at 95 %, shared among the comparisons."""
    from scipy.special import stdtrit

    return float(stdtrit(degrees, 1 - (1 - CONFIDENCE) / (2 * comparisons)))
