"""Samples that need a process each: `MODULE.observe(NAME)`, pinned, threads limited, taking turns in random order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from samegrad.benchmarks.clock import cpus
from samegrad.benchmarks.clock.schedule import orders
from samegrad.impls.child import Failed, call, pinned
from samegrad.impls.errors import BadInput, Unavailable

PROCESSES = 5
FAILED = {"unavailable", "failed"}


def measure(
    module: str,
    names: Sequence[str],
    progress: Callable[[int, str], None],
    processes: int = PROCESSES,
    threads: int = 1,
    time_limit_s: float = 300.0,
    on_interrupt: Callable[[KeyboardInterrupt], None] | None = None,
) -> dict[str, dict[str, Any]]:
    """Observe each implementation in several new processes, interleaved: {name: {what: [one per process, …]}}.

    module: one whose `observe` returns one JSON-able object for a name. Where an implementation cannot run its value is
    {"unavailable": reason}, where it fails {"failed": reason}. progress is told the round, from 1, and the name. With
    `on_interrupt` that is told of Ctrl-C, and what is complete is returned: those without any sample are then missing.
    """
    found: dict[str, dict[str, Any]] = {name: {} for name in names}
    try:
        _measure(found, module, names, progress, processes, threads, time_limit_s)
    except KeyboardInterrupt as interrupt:
        if on_interrupt is None:
            raise
        on_interrupt(interrupt)
    return {name: samples for name, samples in found.items() if samples}


def _measure(
    found: dict[str, dict[str, Any]],
    module: str,
    names: Sequence[str],
    progress: Callable[[int, str], None],
    processes: int,
    threads: int,
    time_limit_s: float,
) -> None:
    """Fill `found`, process by process."""
    for number, order in enumerate(orders(len(names), processes, np.random.default_rng()), start=1):
        for name in (names[place] for place in order):
            if FAILED & found[name].keys():
                continue
            progress(number, name)
            with pinned(cpus.choose(threads)):
                sample = _in_new_process(module, name, threads, time_limit_s)
            if FAILED & sample.keys():
                found[name] = sample
            else:
                for key, value in sample.items():
                    found[name].setdefault(key, []).append(value)


def _in_new_process(module: str, name: str, threads: int, time_limit_s: float) -> dict[str, Any]:
    try:
        return call(f"{module}:observe", {"name": name}, timeout_s=time_limit_s, threads=threads)
    except Unavailable as reason:
        return {"unavailable": str(reason)}
    except (BadInput, Failed) as reason:
        return {"failed": f"{name}: {reason}"}
