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

    module: one whose `observe` returns one JSON-able object for a name. The value of an implementation that cannot run
    is {"unavailable": reason}, and of one that fails {"failed": reason}. progress receives the round, from 1, and the
    name. With `on_interrupt`, Ctrl-C calls it and the complete samples are returned; an implementation without any is
    then missing.
    """
    samples_of: dict[str, dict[str, Any]] = {name: {} for name in names}
    try:
        _measure(samples_of, module, names, progress, processes, threads, time_limit_s)
    except KeyboardInterrupt as interrupt:
        if on_interrupt is None:
            raise
        on_interrupt(interrupt)
    return {name: samples for name, samples in samples_of.items() if samples}


def _measure(
    samples_of: dict[str, dict[str, Any]],
    module: str,
    names: Sequence[str],
    progress: Callable[[int, str], None],
    processes: int,
    threads: int,
    time_limit_s: float,
) -> None:
    """Fill `samples_of`, process by process."""
    for number, order in enumerate(orders(len(names), processes, np.random.default_rng()), start=1):
        for name in (names[place] for place in order):
            if FAILED & samples_of[name].keys():
                continue
            progress(number, name)
            with pinned(cpus.choose(threads)):
                sample = _in_new_process(module, name, threads, time_limit_s)
            if FAILED & sample.keys():
                samples_of[name] = sample
            else:
                for key, value in sample.items():
                    samples_of[name].setdefault(key, []).append(value)


def _in_new_process(module: str, name: str, threads: int, time_limit_s: float) -> dict[str, Any]:
    try:
        return call(f"{module}:observe", {"name": name}, timeout_s=time_limit_s, threads=threads)
    except Unavailable as reason:
        return {"unavailable": str(reason)}
    except (BadInput, Failed) as reason:
        return {"failed": f"{name}: {reason}"}
