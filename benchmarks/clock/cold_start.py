"""Cold start: what a new process pays before the steady state. Import, build, first call, second call, and memory.

    import        from a ready interpreter to the implementation's class, its framework and NumPy included
    build         prepare(): data and parameters to the device, the network built
    first call    value_and_grad, with whatever it traces and compiles
    second call   the same again: what is left is the steady state, not yet warm
    memory        the most that the process ever held (peak resident set)

Each sample is a process of its own, `python -m benchmarks.clock.cold_start NAME`, pinned and with its threads limited;
implementations take turns in random order. Files are in the system's cache after the first round, as they mostly are.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from itertools import pairwise
from time import perf_counter_ns
from typing import Any

PHASES = ("import", "build", "first call", "second call")
PROCESSES = 5
BATCH = 4
FAILED = {"unavailable", "failed"}


def observe(name: str) -> dict[str, Any]:
    """Go through the phases in this process: {phase: ns} and peak_bytes. Raises Unavailable where it cannot run."""
    marks = [perf_counter_ns()]
    from impls.problem import XOR
    from impls.registry import get_entry

    implementation = get_entry(name).load()()
    marks.append(perf_counter_ns())
    implementation.prepare(XOR, XOR.parameters(), BATCH)
    marks.append(perf_counter_ns())
    for _ in range(2):
        implementation.value_and_grad()
        marks.append(perf_counter_ns())
    phases = {phase: end - start for phase, (start, end) in zip(PHASES, pairwise(marks), strict=True)}
    return {**phases, "peak_bytes": _peak_bytes()}


def measure(
    names: Sequence[str], threads: int, time_limit_s: float, progress: Callable[[int, str], None]
) -> dict[str, dict[str, Any]]:
    """Observe each implementation in five new processes, interleaved: {name: {phase: [ns, …], "peak_bytes": […]}}.

    Where one cannot run its value is {"unavailable": reason}, where one fails {"failed": reason}.
    """
    import numpy as np

    from benchmarks.clock.crew import pinnable, pinned
    from benchmarks.clock.schedule import orders

    found: dict[str, dict[str, Any]] = {name: {} for name in names}
    for number, order in enumerate(orders(len(names), PROCESSES, np.random.default_rng()), start=1):
        for name in (names[place] for place in order):
            if FAILED & found[name].keys():
                continue
            progress(number, name)
            with pinned(pinnable()[-threads:]):
                sample = _in_new_process(name, threads, time_limit_s)
            if FAILED & sample.keys():
                found[name] = sample
            else:
                for key, value in sample.items():
                    found[name].setdefault(key, []).append(value)
    return found


def _in_new_process(name: str, threads: int, time_limit_s: float) -> dict[str, Any]:
    from benchmarks.clock.crew import ROOT, environment

    try:
        done = subprocess.run(
            [sys.executable, "-m", __spec__.name, name],
            cwd=ROOT,
            env=environment(threads),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=time_limit_s,
        )
        return json.loads(done.stdout.splitlines()[-1])
    except subprocess.TimeoutExpired:
        return {"failed": f"{name} was not ready within {time_limit_s:g} s"}
    except (IndexError, ValueError):
        last = "; ".join(done.stderr.splitlines()[-3:])
        return {"failed": f"{name}'s process ended with exit status {done.returncode}: {last}"}


def _peak_bytes() -> int | None:
    """The most memory that this process has held, or None where the platform does not tell."""
    try:
        import resource
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak


def main() -> None:
    from impls.errors import Unavailable

    try:
        answer = observe(sys.argv[1])
    except Unavailable as reason:
        answer = {"unavailable": str(reason)}
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
