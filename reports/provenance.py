"""Where a run comes from: machine, threads, versions, date and doubts, as the lines that stand under every figure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reports.reading import text
from reports.records import Run


def machine(run: Run) -> str:
    """The CPU's name, or what is known instead of it."""
    return machine_of(run.environment)


def machine_of(environment: Mapping[str, Any]) -> str:
    """The same, of an environment as a run file or a self-check has it."""
    return text(environment.get("cpu")) or text(environment.get("platform")) or "unknown machine"


def threads(run: Run) -> str:
    """`1 thread`, `4 threads`, or nothing where the run does not say."""
    found = run.options.get("threads")
    return "" if found is None else f"{text(found)} thread{'' if found == 1 else 's'}"


def versions(run: Run) -> dict[str, str]:
    """Python and every package that the run recorded, else the frameworks' versions beside the implementations."""
    found = run.environment.get("versions")
    named = {text(name): text(version) for name, version in found.items()} if isinstance(found, dict) else {}
    if not named:
        named = {
            text(data["framework"]): text(data["version"])
            for data in run.implementations.values()
            if data.get("version")
        }
    python = text(run.environment.get("python"))
    return ({"Python": python} if python else {}) | {name: version for name, version in named.items() if version}


def date(run: Run) -> str:
    """`2026-11-22 12:00`, as recorded."""
    return run.date[:16].replace("T", " ")


def rounds(run: Run) -> str:
    """`3 launches × 60 rounds`, or from the fewest to the most where they differ."""
    cases = [case for group in run.groups for case in group.cases]
    launches = [len(case.launches) for case in cases if case.launches]
    each = [launch.samples_ns.size for case in cases for launch in case.launches if launch.samples_ns.size]
    if not each:
        samples = [case.samples_ns.size for case in cases if case.samples_ns.size]
        return f"{_range(samples)} rounds" if samples else ""
    return f"{_range(launches)} launch{'' if max(launches) == 1 else 'es'} × {_range(each)} rounds"


def _range(counts: list[int]) -> str:
    return f"{min(counts)}" if min(counts) == max(counts) else f"{min(counts)} to {max(counts)}"


def noise_reasons(run: Run) -> list[str]:
    """Why the run calls itself noisy; empty if it does not."""
    if run.noise.get("noisy") is not True:
        return []
    reasons = run.noise.get("reasons")
    return [text(reason) for reason in (reasons if isinstance(reasons, list) else [reasons]) if reason] or ["unstated"]


def doubts(run: Run) -> list[str]:
    """Why not to trust the run, in one line: the first reason, and how many more there are."""
    reasons = noise_reasons(run)
    more = f"; {len(reasons) - 1} more reason{'' if len(reasons) == 2 else 's'}" if len(reasons) > 1 else ""
    return [f"NOISY run: {reasons[0]}{more}"] if reasons else []


def footer(run: Run) -> list[str]:
    """The lines under a figure: machine, threads, dtypes and devices, rounds and date; versions; doubts.

    None for a run without any measurement.
    """
    if not run.groups and not run.cold:
        return []
    settings = ", ".join(f"{dtype} on {device}" for dtype, device in run.settings)
    first = [machine(run), threads(run), settings, rounds(run), date(run)]
    second = [f"{name} {version}" for name, version in versions(run).items()]
    return doubts(run) + [" · ".join(part for part in line if part) for line in (first, second) if any(line)]
