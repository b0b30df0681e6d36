"""Cold start: what a new process pays before the steady state. Import, build, first call, second call, and memory.

    import        from a ready interpreter to the implementation's class, its framework and NumPy included
    build         prepare(): data and parameters to the device, the network built
    first call    value_and_grad, with whatever it traces and compiles
    second call   the same again: what is left is the steady state, not yet warm
    memory        the peak resident set of the process

Each sample is a process of its own, pinned and with its threads limited; implementations take turns in random order.
It has the modules of Python's own that `impls/serve.py` needs already, ctypes among them. Files
are in the system's cache after the first round, as they mostly are.
"""

from __future__ import annotations

import sys
from itertools import pairwise
from time import perf_counter_ns
from typing import Any

PHASES = ("import", "build", "first call", "second call")
BATCH = 4


def observe(name: str) -> dict[str, Any]:
    """Go through the phases in this process: {phase: ns} and peak_bytes. Raises Unavailable where it cannot run."""
    marks = [perf_counter_ns()]
    from samegrad.impls.problem import XOR
    from samegrad.impls.registry import get_entry
    from samegrad.impls.task import Task

    implementation = get_entry(name).load()()
    marks.append(perf_counter_ns())
    implementation.prepare(Task(XOR, XOR.parameters(), BATCH))
    marks.append(perf_counter_ns())
    for _ in range(2):
        implementation.value_and_grad()
        marks.append(perf_counter_ns())
    phases = {phase: end - start for phase, (start, end) in zip(PHASES, pairwise(marks), strict=True)}
    return {**phases, "peak_bytes": _peak_bytes()}


def _peak_bytes() -> int | None:
    """The peak memory of this process, or None where the platform does not report it."""
    try:
        import resource
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak
