"""Two implementations of one group compared, launch by launch: every pair has one interval, wherever it is shown."""

from __future__ import annotations

import math
from collections.abc import Iterable
from functools import lru_cache
from itertools import combinations

from samegrad.benchmarks.results.crossovers import Crossover
from samegrad.benchmarks.results.crossovers import crossovers as of_pair
from samegrad.benchmarks.results.statistics import Interval, paired_log_ratio, pairs, ratio_interval
from samegrad.benchmarks.results.verdict import BASELINE, verdict
from samegrad.reports.records import CaseTimes, GroupTimes


@lru_cache(maxsize=100_000)
def compare(group: GroupTimes, a: CaseTimes, b: CaseTimes) -> Interval:
    """a's time over b's, with the interval that holds for all pairs of the group together."""
    if a is b:
        return Interval(1.0)
    logs = log_ratios(a, b)
    return ratio_interval(logs, pairs(len(group.cases))) if logs else Interval(a.median_ns / b.median_ns)


def judged(group: GroupTimes, case: CaseTimes) -> tuple[Interval | None, str]:
    """The case's time over the baseline's, None where that was not measured, and the word for it."""
    baseline = group.case(group.baseline)
    if baseline is None:
        return None, ""
    if case is baseline:
        return Interval(1.0), BASELINE
    ratio = compare(group, case, baseline)
    return ratio, verdict(ratio, group.margin) or ""


def log_ratios(a: CaseTimes, b: CaseTimes) -> list[float]:
    """One log ratio per launch that both completed: of paired rounds, or of the medians where there are no samples."""
    both = list(zip(a.launches, b.launches, strict=False))
    if all(mine.samples_ns.size and mine.samples_ns.size == other.samples_ns.size for mine, other in both):
        return [paired_log_ratio(mine.samples_ns, other.samples_ns) for mine, other in both]
    return [math.log(mine.median_ns / other.median_ns) for mine, other in both]


def crossovers(of: list[GroupTimes], names: Iterable[str]) -> list[Crossover]:
    """All crossovers of the named within one problem, pass, dtype and device (`of`: one per batch, ascending)."""
    crossing: list[Crossover] = []
    for one, other in combinations(names, 2):
        both = [(group, group.case(one), group.case(other)) for group in of]
        ratios = [(group.batch, compare(group, a, b)) for group, a, b in both if a and b]
        crossing += of_pair(one, other, ratios, of[0].margin)
    return crossing
