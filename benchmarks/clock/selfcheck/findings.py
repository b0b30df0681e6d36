"""Measured against promised: a share or a number, what its count allows one to say of it, and whether that was kept."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from samegrad.benchmarks.documents.selfcheck import MET, MISSED, WITHIN_CHANCE, Finding, Unit
from samegrad.benchmarks.results.statistics import CONFIDENCE, t_interval


@dataclass(frozen=True)
class Promise:
    """What a figure may be: at most or at least so much."""

    at_most: float | None = None
    at_least: float | None = None

    def allows(self, value: float) -> bool:
        return (self.at_most is None or value <= self.at_most) and (self.at_least is None or value >= self.at_least)

    def judge(self, measured: float, low: float | None, high: float | None) -> str:
        """`met` where the figure keeps the promise; `within chance` where it does not but its limits reach to where it
        would; `missed` where they do not."""
        if self.allows(measured):
            return MET
        return WITHIN_CHANCE if any(end is not None and self.allows(end) for end in (low, high)) else MISSED


@dataclass(frozen=True)
class Line:
    """What the findings of one arm under one condition have in common."""

    check: str
    condition: str
    arm: str

    def share(self, what: str, hits: ArrayLike, promise: Promise | None = None) -> Finding:
        """How often something happened. hits: (trials,) of booleans, at least one."""
        found = np.asarray(hits, dtype=bool)
        count, of = int(found.sum()), found.size
        limits = stats.binomtest(count, of).proportion_ci(CONFIDENCE, method="exact")
        return self._finding(what, "share", count / of, float(limits.low), float(limits.high), of, count, promise)

    def mean(self, what: str, unit: Unit, values: ArrayLike, promise: Promise | None = None) -> Finding:
        """The mean of one value per trial. values: (trials,), at least one."""
        x = np.asarray(values, dtype=float)
        return self._finding(what, unit, *t_interval(x), x.size, None, promise)

    def value(self, what: str, unit: Unit, measured: float, of: int, promise: Promise | None = None) -> Finding:
        """A figure without limits, such as the worst of all."""
        return self._finding(what, unit, float(measured), None, None, of, None, promise)

    def _finding(
        self,
        what: str,
        unit: Unit,
        measured: float,
        low: float | None,
        high: float | None,
        of: int,
        count: int | None,
        promise: Promise | None,
    ) -> Finding:
        ends = (promise.at_most, promise.at_least) if promise else (None, None)
        result = promise.judge(measured, low, high) if promise else None
        return Finding(
            check=self.check,
            condition=self.condition,
            what=what,
            arm=self.arm,
            unit=unit,
            measured=measured,
            low=low,
            high=high,
            of=of,
            count=count,
            at_most=ends[0],
            at_least=ends[1],
            result=result,
        )
