"""Measured against promised: a share or a number, its confidence limits, and whether the promise was kept."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from samegrad.benchmarks.documents.selfcheck import MET, MISSED, WITHIN_CHANCE, Finding, Unit
from samegrad.benchmarks.results.statistics import CONFIDENCE, t_interval


@dataclass(frozen=True)
class Promise:
    """The limit of a figure: at most or at least this much."""

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
    """The fields that the findings of one arm under one condition have in common."""

    check: str
    condition: str
    arm: str

    def share(self, what: str, hits: ArrayLike, promise: Promise | None = None) -> Finding:
        """The finding on how often something happened. hits: (trials,) of booleans, at least one."""
        count, of = int(np.sum(hits)), np.size(hits)
        limits = stats.binomtest(count, of).proportion_ci(CONFIDENCE, method="exact")
        return self._finding(promise, what, "share", count / of, float(limits.low), float(limits.high), of, count)

    def mean(self, what: str, unit: Unit, values: ArrayLike, promise: Promise | None = None) -> Finding:
        """The finding on the mean of one value per trial. values: (trials,), at least one."""
        x = np.asarray(values, dtype=float)
        return self._finding(promise, what, unit, *t_interval(x), x.size)

    def value(self, what: str, unit: Unit, measured: float, of: int, promise: Promise | None = None) -> Finding:
        """The finding on a figure without limits, such as the worst of all."""
        return self._finding(promise, what, unit, float(measured), None, None, of)

    def _finding(
        self,
        promise: Promise | None,
        what: str,
        unit: Unit,
        measured: float,
        low: float | None,
        high: float | None,
        of: int,
        count: int | None = None,
    ) -> Finding:
        figure: dict[str, Any] = {
            "what": what,
            "unit": unit,
            "measured": measured,
            "low": low,
            "high": high,
            "of": of,
            "count": count,
        }
        judged: dict[str, Any] = asdict(promise) | {"result": promise.judge(measured, low, high)} if promise else {}
        return Finding(**asdict(self), **figure, **judged)
