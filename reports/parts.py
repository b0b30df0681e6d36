"""Parts of a run file beside its groups: the two numbers fitted to the times of a sweep, and the cold start."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import Any

from reports.reading import NOTHING, mapping, mappings, number, sequence, text


@dataclass(frozen=True)
class Fit:
    """t(n) = t0 + n · per_row: fixed cost and cost per row in ns, each with its interval (NaN where unbounded).

    `describes` says whether a line describes the data, None where one launch cannot tell.
    """

    problem: str
    pass_: str
    dtype: str
    device: str
    implementation: str
    t0_ns: float
    t0_low_ns: float
    t0_high_ns: float
    per_row_ns: float
    per_row_low_ns: float
    per_row_high_ns: float
    half_batch: float
    describes: bool | None
    statement: str


@dataclass(frozen=True)
class ColdStart:
    """One implementation in new processes: each phase's times in ns, the peak memory in bytes, or why there is none."""

    implementation: str
    phases: dict[str, tuple[float, ...]]
    peak_bytes: float
    reason: str

    @property
    def total_ns(self) -> float:
        """The sum of the phases' medians."""
        return sum(median(times) for times in self.phases.values()) if self.phases else NOTHING


def fits(found: Any) -> tuple[Fit, ...]:
    """The run file's `fits`; what has no fit is left out."""
    return tuple(
        _fit(entry, text(name), mapping(told))
        for entry in mappings(found)
        for name, told in mapping(entry.get("implementations")).items()
        if number(mapping(mapping(told).get("fit")).get("t0_ns")) >= 0
    )


def _fit(entry: dict[str, Any], name: str, told: dict[str, Any]) -> Fit:
    fit = mapping(told.get("fit"))
    t0_low, t0_high = _pair(fit.get("t0_interval_ns"))
    row_low, row_high = _pair(fit.get("per_row_interval_ns"))
    describes = fit.get("describes")
    return Fit(
        problem=text(entry.get("problem")),
        pass_=text(entry.get("pass")),
        dtype=text(entry.get("dtype")),
        device=text(entry.get("device")),
        implementation=name,
        t0_ns=number(fit.get("t0_ns")),
        t0_low_ns=t0_low,
        t0_high_ns=t0_high,
        per_row_ns=number(fit.get("per_row_ns")),
        per_row_low_ns=row_low,
        per_row_high_ns=row_high,
        half_batch=number(fit.get("half_batch")),
        describes=describes if isinstance(describes, bool) else None,
        statement=text(fit.get("statement")),
    )


def _pair(found: Any) -> tuple[float, float]:
    ends = [number(end) for end in sequence(found)]
    return (ends[0], ends[1]) if len(ends) == 2 else (NOTHING, NOTHING)


def cold_starts(found: Any) -> tuple[ColdStart, ...]:
    """The run file's `cold_start`, the quickest first, those that could not run last."""
    read = [_cold(text(name), mapping(told)) for name, told in mapping(found).items()]
    return tuple(sorted(read, key=lambda cold: cold.total_ns if cold.phases else float("inf")))


def _cold(name: str, told: dict[str, Any]) -> ColdStart:
    phases = {
        text(phase): tuple(ns for ns in map(number, sequence(times)) if ns >= 0)
        for phase, times in told.items()
        if phase != "peak_bytes" and isinstance(times, list)
    }
    peaks = [peak for peak in map(number, sequence(told.get("peak_bytes"))) if peak > 0]
    return ColdStart(
        implementation=name,
        phases={phase: times for phase, times in phases.items() if times},
        peak_bytes=median(peaks) if peaks else NOTHING,
        reason=text(told.get("unavailable") or told.get("failed")),
    )
