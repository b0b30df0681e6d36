"""Whether a measurement was alone on its host: the CPU time that others took while it ran, from /proc/stat.

A lock keeps our own measurements apart. Nothing keeps other people's programs away, so that they are watched: all that
the CPUs did, less what this process and its descendants did, is foreign. Time that the hypervisor gave to other
virtual machines is stolen.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psutil


class Company:
    """The CPU time of all processes, of ours, and of other virtual machines, summed over the `watched` blocks."""

    def __init__(self) -> None:
        self.total_s = self.busy_s = self.stolen_s = self.ours_s = 0.0

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Count what happens inside."""
        before, ours_s = psutil.cpu_times(), spent_s()
        yield
        after = psutil.cpu_times()
        spent = {name: getattr(after, name) - getattr(before, name) for name in after._fields}
        self.ours_s += spent_s() - ours_s
        self.stolen_s += (stolen_s := spent.get("steal", 0.0))
        busy_s = sum(spent.get(name, 0.0) for name in ("user", "nice", "system", "irq", "softirq"))
        self.busy_s += busy_s
        self.total_s += busy_s + stolen_s + spent.get("idle", 0.0) + spent.get("iowait", 0.0)

    def shares(self) -> dict[str, float]:
        """`foreign_cpus`, the number of CPUs that others kept busy on average, and the share `stolen` of all time.

        Empty where the system's clock of CPU time did not move.
        """
        if self.total_s <= 0:
            return {}
        wall_s = self.total_s / (psutil.cpu_count() or 1)
        foreign_s = max(0.0, self.busy_s - self.ours_s)
        return {"foreign_cpus": round(foreign_s / wall_s, 4), "stolen": round(self.stolen_s / self.total_s, 4)}


def spent_s() -> float:
    """The CPU time of this process and all its descendants, those that have ended included."""
    total_s, this = 0.0, psutil.Process()
    for process in (this, *this.children(recursive=True)):
        with suppress(psutil.NoSuchProcess):  # ended in between: its time is then its parent's
            total_s += sum(process.cpu_times()[:4])
    return total_s
