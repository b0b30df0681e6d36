"""Variants of a pass against the pass itself: what it costs to call it otherwise, launch by launch.

A variant and its pass are groups of their own, so their rounds are not paired; within one launch they are timed by the
same processes. Each launch gives one log ratio of medians, and over the launches a t-interval.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from samegrad.benchmarks.results import passes
from samegrad.benchmarks.results.statistics import Interval, ratio_interval
from samegrad.reports.records import CaseTimes, GroupTimes


@dataclass(frozen=True)
class Against:
    """One group of variants beside the group of its plain pass."""

    variant: GroupTimes
    plain: GroupTimes

    def comparison(self, implementation: str) -> Interval | None:
        """The variant's time over the plain pass's; None where one of them is missing."""
        mine, other = self.variant.case(implementation), self.plain.case(implementation)
        if mine is None or other is None:
            return None
        logs = _logs(mine, other)
        return ratio_interval(logs) if logs else Interval(mine.median_ns / other.median_ns)


def _logs(mine: CaseTimes, other: CaseTimes) -> list[float]:
    medians_ns = [(a.median_ns, b.median_ns) for a, b in zip(mine.launches, other.launches, strict=False)]
    return [math.log(a / b) for a, b in medians_ns if a > 0 and b > 0]


def against_plain(groups: tuple[GroupTimes, ...]) -> list[Against]:
    """Every variant at the smallest batch where its plain pass was measured too, in the order of the file."""
    plain = {(g.problem, g.pass_, g.dtype, g.device, g.batch): g for g in groups if not passes.split(g.pass_)[1]}
    smallest: dict[tuple[str, str, str, str], Against] = {}
    for group in sorted(groups, key=lambda group: group.batch):
        name, variant = passes.split(group.pass_)
        beside = plain.get((group.problem, name, group.dtype, group.device, group.batch))
        if variant and beside:
            smallest.setdefault((group.problem, group.pass_, group.dtype, group.device), Against(group, beside))
    order = list(dict.fromkeys((g.problem, g.pass_, g.dtype, g.device) for g in groups))
    return [smallest[key] for key in order if key in smallest]
