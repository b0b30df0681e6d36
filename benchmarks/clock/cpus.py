"""Which CPUs the workers are pinned to: the last of the fast ones, unless they are chosen by hand."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from samegrad.benchmarks.clock.environment import ROOT
from samegrad.impls.child import pinnable, pinned
from samegrad.impls.errors import BadInput


def usable() -> list[int]:
    """The CPUs that this process may use; none where the platform cannot pin."""
    return pinnable()


def choose(threads: int, asked: Sequence[int] = ()) -> list[int]:
    """The CPUs for this many threads, those asked for first; none where the system does not allow pinning.

    Raises BadInput for a CPU that this process may not use.
    """
    allowed = usable()
    if unknown := sorted(set(asked) - set(allowed)):
        raise BadInput(
            f"--cpu {unknown[0]}: this process may use the CPUs {', '.join(map(str, allowed)) or '(unknown)'}"
        )
    others = [cpu for cpu in [*fastest(allowed), *allowed][::-1] if cpu not in asked]
    fast = [cpu for cpu in others if cpu in fastest(allowed)]
    chosen = sorted([*asked, *dict.fromkeys([*fast, *others])][:threads])
    try:
        with pinned(chosen):
            return chosen
    except OSError:  # a sandbox that forbids it
        return []


def fastest(cpus: Sequence[int], root: Path = ROOT) -> list[int]:
    """The CPUs of the fastest kind, by the capacity or the highest frequency that the kernel reports."""
    folder = root / "sys/devices/system/cpu"
    for name in ("cpu_capacity", "cpufreq/cpuinfo_max_freq"):
        values = {cpu: _number(folder / f"cpu{cpu}" / name) for cpu in cpus}
        known = [value for value in values.values() if value is not None]
        if known:
            return [cpu for cpu, value in values.items() if value is None or value >= 0.85 * max(known)]
    return list(cpus)


def siblings(cpus: Sequence[int], root: Path = ROOT) -> list[int]:
    """The CPUs that share a core with one of these, these among them."""
    shared: set[int] = set()
    for cpu in cpus:
        path = root / f"sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list"
        try:
            parts = path.read_text().strip().split(",")
        except OSError:
            continue
        for part in parts:
            first, _, last = part.partition("-")
            shared.update(range(int(first), int(last or first) + 1))
    return sorted(shared)


def put_back(cpus: Sequence[int]) -> list[int]:
    """Move every thread of this process to these CPUs, wherever an import has put it; where they all are then."""
    if not cpus or not hasattr(os, "sched_setaffinity"):
        return list(cpus)
    for task in os.listdir("/proc/self/task") if os.path.isdir("/proc/self/task") else ["0"]:
        try:
            if os.sched_getaffinity(int(task)) != set(cpus):
                os.sched_setaffinity(int(task), cpus)
        except OSError:  # it has ended, or may not be moved
            continue
    return sorted(os.sched_getaffinity(0))


def _number(path: Path) -> int | None:
    try:
        return int(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
