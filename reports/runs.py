"""Run files, read into small records: every sample in ns per call, cut into its launches."""

from __future__ import annotations

from pathlib import Path
from statistics import median

import numpy as np

from samegrad.benchmarks.documents.run import Benchmark, ColdStart, ImplementationEntry, RunDocument, Samegrad
from samegrad.benchmarks.results.groups import launches_ns
from samegrad.impls.documents import base
from samegrad.impls.documents.base import DocumentError
from samegrad.reports import records
from samegrad.reports.records import (
    NOTHING,
    CaseTimes,
    Fitted,
    GroupTimes,
    LaunchTimes,
    StoredRun,
    description,
    of_networks,
)


def read(path: str | Path) -> StoredRun:
    """Read one run file. Raises DocumentError where it is missing, damaged, not one, newer, or empty."""
    return of(base.read(path, [RunDocument]), Path(path))


def of(file: RunDocument, path: Path) -> StoredRun:
    """The run of a file. Raises DocumentError where nothing was measured."""
    ours = file.samegrad
    if not file.benchmarks:
        raise DocumentError(f"{path}: at $.benchmarks: is empty, so there is nothing to draw; {RunDocument.ORIGIN}")
    if not file.has_rounds:
        raise DocumentError(
            f"{path}: at $.benchmarks: the rounds were left out, as in the gallery; samegrad report can draw it"
        )
    implementations = dict(ours.implementations)
    for extra in (benchmark.extra_info for benchmark in file.benchmarks if benchmark.extra_info.framework):
        entry = ImplementationEntry(
            framework=extra.framework, execution=extra.execution, version=extra.framework_version
        )
        implementations.setdefault(extra.implementation, entry)
    measured = (benchmark.extra_info.implementation for benchmark in file.benchmarks)
    for name in [*measured, *ours.cold_start, *(name for entry in ours.fits for name in entry.implementations)]:
        implementations.setdefault(name, description(name))
    fits = (
        Fitted(entry.problem, entry.pass_, entry.dtype, entry.device, name, of_one.fit)
        for entry in ours.fits
        for name, of_one in entry.implementations.items()
        if of_one.fit is not None
    )
    cold = (_cold(name, cold_start) for name, cold_start in ours.cold_start.items())
    return StoredRun(
        path=path,
        groups=_groups(file),
        implementations=implementations,
        file=file,
        fits=tuple(fits),
        cold=tuple(sorted(cold, key=lambda cold: cold.total_ns if cold.phases else float("inf"))),
    )


def _groups(file: RunDocument) -> tuple[GroupTimes, ...]:
    by_group: dict[str, list[Benchmark]] = {}
    for benchmark in file.benchmarks:
        if benchmark.extra_info.cold_start is None:
            by_group.setdefault(str(benchmark.group), []).append(benchmark)
    return tuple(_group(name, members, file.samegrad) for name, members in by_group.items())


def _group(name: str, members: list[Benchmark], ours: Samegrad) -> GroupTimes:
    first = members[0].extra_info
    floors = {name for name, data in ours.implementations.items() if data.is_floor}
    several = len(ours.options.thread_counts) > 1
    rows = [row for group in ours.groups if group.group == name for row in group.rows]
    notes = {row.implementation: row.notes for row in rows}
    cases = [_case(member, floors, notes) for member in members]
    return GroupTimes(
        name,
        first.problem,
        first.pass_,
        first.batch,
        first.dtype,
        first.device
        + (f", {first.threads_asked} threads" if several and first.threads_asked != 1 else "")
        + of_networks(first.networks),
        baseline=first.baseline,
        cases=tuple(sorted(cases, key=lambda case: case.median_ns)),
        margin=ours.options.margin,
        threads=first.threads_asked or 1,
        networks=first.networks,
    )


def _case(benchmark: Benchmark, floors: set[str], notes: dict[str, tuple[str, ...]]) -> CaseTimes:
    extra, name = benchmark.extra_info, benchmark.extra_info.implementation
    parts = launches_ns(benchmark.stats.data, [launch.rounds for launch in extra.launches])
    samples = np.concatenate(parts)
    launches = tuple(LaunchTimes(part, one.median_ns) for part, one in zip(parts, extra.launches, strict=True))
    median_ns = float(np.median(samples))
    return CaseTimes(name, median_ns, samples, launches, extra, name in floors, notes.get(name, ()))


def _cold(name: str, cold_start: ColdStart) -> records.ColdStart:
    phases = {
        phase: tuple(float(ns) for ns in times if ns is not None)
        for phase, times in cold_start.items()
        if phase != "peak_bytes" and not isinstance(times, str)
    }
    peaks = [float(peak) for peak in cold_start.get("peak_bytes", ()) if isinstance(peak, (int, float)) and peak > 0]
    reason = cold_start.get("unavailable") or cold_start.get("failed") or ""
    return records.ColdStart(
        implementation=name,
        phases={phase: times for phase, times in phases.items() if times},
        peak_bytes=median(peaks) if peaks else NOTHING,
        reason=str(reason),
    )
