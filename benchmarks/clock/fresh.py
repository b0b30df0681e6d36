"""Samples that need a process each: `python -m MODULE NAME`, pinned, threads limited, taking turns in random order."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from benchmarks.clock import scratch
from benchmarks.clock.crew import ROOT, environment, pinnable, pinned
from benchmarks.clock.schedule import orders

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

    module: one that, run with a name, prints one JSON object. Where an implementation cannot run its value is
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
            with pinned(pinnable()[-threads:]):
                sample = _in_new_process(module, name, threads, time_limit_s)
            if FAILED & sample.keys():
                found[name] = sample
            else:
                for key, value in sample.items():
                    found[name].setdefault(key, []).append(value)


def _in_new_process(module: str, name: str, threads: int, time_limit_s: float) -> dict[str, Any]:
    try:
        done = subprocess.run(
            [sys.executable, "-m", module, name],
            cwd=ROOT,
            env=environment(threads) | scratch.variables(scratch.folder()),
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
