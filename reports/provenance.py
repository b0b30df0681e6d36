"""The lines under every figure: the run's machine, threads, versions, date, and doubts about it."""

from __future__ import annotations

from samegrad.benchmarks.results.units import minute
from samegrad.reports.records import StoredRun


def threads(run: StoredRun) -> str:
    """The threads in words: `1 thread`, `4 threads`, `1, 2, 4 threads`."""
    options = run.ours.options
    counts = options.thread_counts or (options.threads,)
    return f"{', '.join(map(str, counts))} thread{'' if counts == (1,) else 's'}"


def rounds(run: StoredRun) -> str:
    """The rounds in words: `3 launches × 60 rounds`, or from the fewest to the most where they differ."""
    cases = [case for group in run.groups for case in group.cases]
    launches = [len(case.launches) for case in cases]
    each = [launch.samples_ns.size for case in cases for launch in case.launches]
    return f"{_range(launches)} launch{'' if max(launches) == 1 else 'es'} × {_range(each)} rounds" if each else ""


def _range(counts: list[int]) -> str:
    return f"{min(counts)}" if min(counts) == max(counts) else f"{min(counts)} to {max(counts)}"


def noise_reasons(run: StoredRun) -> list[str]:
    """Why the run calls itself noisy; empty if it does not."""
    return list(run.ours.noise.reasons) if run.file and run.ours.noise.noisy else []


def doubts(run: StoredRun) -> list[str]:
    """Why not to trust the run: the first reason of its noise, and how many more there are; and each handicap."""
    reasons = noise_reasons(run)
    more = f"; {len(reasons) - 1} more reason{'' if len(reasons) == 2 else 's'}" if len(reasons) > 1 else ""
    handicaps = [f"HANDICAP: {handicap.sentence}" for handicap in run.ours.handicaps] if run.file else []
    return ([f"NOISY run: {reasons[0]}{more}"] if reasons else []) + handicaps


def origin(run: StoredRun) -> list[str]:
    """The origin of a run in two lines: machine, threads, dtypes and devices, rounds and date; versions.

    None for a run without any measurement.
    """
    if run.file is None:
        return []
    settings = ", ".join(dict.fromkeys(f"{group.dtype} on {group.place}" for group in run.groups))
    first = [run.ours.environment.machine, threads(run), settings, rounds(run), minute(run.date)]
    second = [f"{name} {version}" for name, version in run.ours.environment.packages.items()]
    return [" · ".join(part for part in line if part) for line in (first, second) if any(line)]


def footer(run: StoredRun) -> list[str]:
    """The lines under a figure: doubts about the run, and its origin."""
    return doubts(run) + origin(run)
