"""A busy process on a CPU of one's choice, for as long as a `with` block lasts and not longer."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator

from samegrad.impls.child import pinnable, pinned

SPIN = """
import os, time
parent = os.getppid()
while os.getppid() == parent:  # whatever ends the parent ends this too
    until = time.monotonic() + 0.2
    while time.monotonic() < until:
        pass
"""

QUIET, OTHER_CPU, SAME_CPU = "quiet", "other CPU busy", "same CPU busy"


@contextlib.contextmanager
def busy(cpus: list[int]) -> Iterator[subprocess.Popen[bytes] | None]:
    """Keep one of these CPUs busy; no CPUs, no load. The process is ended on the way out, however that comes about."""
    if not cpus:
        yield None
        return
    with pinned(cpus):
        process = subprocess.Popen([sys.executable, "-I", "-S", "-c", SPIN], stdin=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def conditions() -> dict[str, list[int] | None]:
    """{condition: the CPUs to keep busy}; None where this machine cannot have it.

    Measured is the last CPU this process may use; the others are the first ones.
    """
    cpus = pinnable()
    return {QUIET: [], OTHER_CPU: cpus[:1] if len(cpus) > 1 else None, SAME_CPU: cpus[-1:] or None}


def measured_cpu() -> list[int]:
    """The CPU that everything measured is pinned to, or none where the platform cannot pin."""
    return pinnable()[-1:]


def why_not(condition: str) -> str:
    """Why this machine cannot have a condition."""
    if not hasattr(os, "sched_setaffinity"):
        return f"{condition}: this platform cannot pin a process to a CPU"
    return f"{condition}: this process may use one CPU only"
