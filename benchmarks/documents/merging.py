"""Which runs can be merged over machines, and why the others are left out: they are listed, and not lost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from samegrad.benchmarks.documents.run import LaunchOfRun, Resumed, RunDocument, Samegrad

MOST_FOREIGN_CPUS = 0.2
"""What others may keep busy on average: the usual services of a system take less."""
MOST_STOLEN = 0.02
"""The share of CPU time that the hypervisor may give to others."""
UNTIMED = ("pytest", "pytest-benchmark")
"""Packages that are in none of the timed processes."""
UNKNOWN_HOST = "not recorded"


def host(file: RunDocument) -> str:
    """The hash of the host's name. Runs from before it was recorded count as one host: they may be of one."""
    identity = file.samegrad.environment.identity
    return identity.host if identity else UNKNOWN_HOST


def kind(file: RunDocument) -> str:
    """The kind of machine by its names and counts, and BLAS kernels that were forced."""
    environment = file.samegrad.environment
    known = environment.identity.kind if environment.identity else environment.machine
    forced = [handicap.sentence for handicap in file.samegrad.handicaps if handicap.handicap == "kernels"]
    return "; ".join([known, *forced])


def launches(ours: Samegrad | Resumed) -> list[LaunchOfRun]:
    """The launches of a run and of those that it goes on with."""
    return [*ours.launches, *(launches(ours.resumed) if ours.resumed else [])]


def foreign_cpus(file: RunDocument) -> float | None:
    """How many CPUs others kept busy during the rounds of the launch in which they kept most; None if not recorded."""
    return max((one.foreign_cpus for one in launches(file.samegrad) if one.foreign_cpus is not None), default=None)


def doubt(file: RunDocument) -> str:
    """Why a run cannot be merged with any other; empty where it can."""
    ours = file.samegrad
    if ours.interrupted:
        return f"it was interrupted ({ours.interrupted_by or 'by a signal'})"
    if ours.noise.noisy:
        return f"it is NOISY: {next(iter(ours.noise.reasons), 'no reason is recorded')}"
    foreign, stolen = foreign_cpus(file), max((one.stolen or 0 for one in launches(ours)), default=0)
    if foreign is not None and foreign > MOST_FOREIGN_CPUS:
        return f"it was not alone: others kept {foreign:.2f} CPUs busy during its rounds (limit {MOST_FOREIGN_CPUS:g})"
    if stolen > MOST_STOLEN:
        return f"it was not alone: other virtual machines took {stolen:.0%} of its CPU time (limit {MOST_STOLEN:.0%})"
    return ""


def versions(file: RunDocument) -> tuple[tuple[str, str], ...]:
    """Python and every package of the timed processes that the run recorded, frameworks among them."""
    ours = file.samegrad
    recorded: dict[str, str | None] = {entry.framework: entry.version for entry in ours.implementations.values()}
    recorded |= {"Python": ours.environment.python} | ours.environment.versions
    return tuple(sorted((name, version) for name, version in recorded.items() if version and name not in UNTIMED))


def left_out(files: Sequence[RunDocument]) -> list[str]:
    """For each run the reason why it is not merged with the others; empty where it is.

    The versions that most runs have count, those of the latest where there are as many of others; a package that a host
    lacks is no difference. Of several runs of one host and kind, the latest counts.
    """
    reasons = [doubt(file) for file in files]
    by_date = sorted((n for n, reason in enumerate(reasons) if not reason), key=lambda n: files[n].datetime)
    counts = Counter(versions(files[n]) for n in reversed(by_date))
    usual = dict(counts.most_common(1)[0][0]) if counts else {}
    latest: dict[tuple[str, str], int] = {}
    for n in by_date:
        here = dict(versions(files[n]))
        if differing := [name for name in usual if usual[name] != here.get(name, usual[name])]:
            reasons[n] = "; ".join(f"{name} is {here[name]}, and {usual[name]} elsewhere" for name in differing)
            continue
        key = host(files[n]), kind(files[n])
        if key in latest:
            reasons[latest[key]] = "a later run of the same host counts"
        latest[key] = n
    return reasons
