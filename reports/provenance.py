"""The lines under every figure: the run's machine, threads, versions, date, and doubts about it."""

from __future__ import annotations

from samegrad.reports.records import Run


def threads(run: Run) -> str:
    """`1 thread`, `4 threads`."""
    count = run.ours.options.threads
    return f"{count} thread{'' if count == 1 else 's'}"


def versions(run: Run) -> dict[str, str]:
    """Python and every package that the run recorded."""
    environment = run.ours.environment
    found = {"Python": environment.python} | environment.versions
    return {name: version for name, version in found.items() if version}


def date(run: Run) -> str:
    """`2026-11-22 12:00`, as recorded."""
    return run.date[:16].replace("T", " ")


def rounds(run: Run) -> str:
    """`3 launches × 60 rounds`, or from the fewest to the most where they differ."""
    cases = [case for group in run.groups for case in group.cases]
    launches = [len(case.launches) for case in cases]
    each = [launch.samples_ns.size for case in cases for launch in case.launches]
    return f"{_range(launches)} launch{'' if max(launches) == 1 else 'es'} × {_range(each)} rounds" if each else ""


def _range(counts: list[int]) -> str:
    return f"{min(counts)}" if min(counts) == max(counts) else f"{min(counts)} to {max(counts)}"


def noise_reasons(run: Run) -> list[str]:
    """Why the run calls itself noisy; empty if it does not."""
    return list(run.ours.noise.reasons) if run.file and run.ours.noise.noisy else []


def doubts(run: Run) -> list[str]:
    """Why not to trust the run: the first reason of its noise, and how many more there are; and each handicap."""
    reasons = noise_reasons(run)
    more = f"; {len(reasons) - 1} more reason{'' if len(reasons) == 2 else 's'}" if len(reasons) > 1 else ""
    handicaps = [f"HANDICAP: {found.sentence}" for found in run.ours.handicaps] if run.file else []
    return ([f"NOISY run: {reasons[0]}{more}"] if reasons else []) + handicaps


def footer(run: Run) -> list[str]:
    """The lines under a figure: machine, threads, dtypes and devices, rounds and date; versions; doubts.

    None for a run without any measurement.
    """
    if run.file is None:
        return []
    settings = ", ".join(f"{dtype} on {device}" for dtype, device in run.settings)
    first = [run.ours.environment.machine, threads(run), settings, rounds(run), date(run)]
    second = [f"{name} {version}" for name, version in versions(run).items()]
    return doubts(run) + [" · ".join(part for part in line if part) for line in (first, second) if any(line)]
