"""Gathering trials: fresh processes, pinned, one after another until the time of a part is used up."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

from samegrad.benchmarks.clock import schedule
from samegrad.benchmarks.clock.crew import WorkerProcess
from samegrad.benchmarks.clock.run import TimedWorker
from samegrad.benchmarks.clock.selfcheck.load import measured_cpu
from samegrad.benchmarks.clock.selfcheck.subjects import TRUE_RATIOS
from samegrad.benchmarks.results.statistics import paired_log_ratio
from samegrad.impls.child import Failed, call, pinned
from samegrad.impls.errors import BadInput, Unavailable

WORKER_ROUNDS = 30
LIMIT_S = 120.0
"""Seconds for one process, however loaded the machine is."""

SUBJECTS = "samegrad.benchmarks.clock.selfcheck.subjects"


class NotMeasured(Exception):
    """A part of the self-check could not be measured; the message gives the reason."""


def until(seconds: float, least: int = 1) -> Iterator[int]:
    """Count 0, 1, 2, … while time remains, and at least to `least` − 1. No seconds: not at all."""
    began_s = time.monotonic()
    number = 0
    while seconds > 0 and (number < least or time.monotonic() - began_s < seconds):
        yield number
        number += 1


def gather(measure: Callable[[], Any], seconds: float, tick: Callable[[], None]) -> list[Any]:
    """One measurement after another until the time is used up."""
    measured = []
    for _ in until(seconds):
        measured.append(measure())
        tick()
    return measured


def trial(name: str) -> Any:
    """One trial of `trials.py`. Raises NotMeasured."""
    return _call("trials:trial", {"name": name}, measured_cpu())


def fence(name: str) -> Any:
    """One implementation observed by `fence.py`, on all CPUs: a device that works on while the call returns needs one
    to work on. Raises NotMeasured."""
    return _call("fence:observed", {"name": name}, cpus=[])


def stock(tests: str) -> dict[str, dict[str, Any]]:
    """One session of stock pytest-benchmark on the tests of `stock.py` that `tests` selects, as for its -k option.

    Returns {subject: {"median": s, "mean": s, …and extra_info}}. Raises NotMeasured.
    """
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder, "stock.json")
        _call("stock:session", {"tests": tests, "out": str(out)}, measured_cpu())
        benchmarks = json.loads(out.read_text(encoding="utf-8"))["benchmarks"]
    return {
        (benchmark["params"] or {"subject": benchmark["name"]})["subject"]: {
            **{key: benchmark["stats"][key] for key in ("median", "mean")},
            **benchmark["extra_info"],
        }
        for benchmark in benchmarks
    }


def launches(seconds: float, tick: Callable[[], None], least: int) -> list[dict[str, float]]:
    """Launches of fresh workers, one for each subject, with the same calls per block throughout.

    Returns {subject: log ratio to `plain`} for every launch. Raises NotMeasured.
    """
    log_ratios: list[dict[str, float]] = []
    pace: schedule.Pace | None = None
    for _ in until(seconds, least):
        try:
            pace, times = _launch(pace)
        except Failed as failure:
            raise NotMeasured(f"{failure}; its last lines: {' / '.join(failure.stderr[-3:])}") from None
        log_ratios.append({name: paired_log_ratio(times[name], times["plain"]) for name in TRUE_RATIOS})
        tick()
    return log_ratios


def _launch(pace: schedule.Pace | None) -> tuple[schedule.Pace, dict[str, Any]]:
    with ExitStack() as stack:
        timed = {}
        for name in ("plain", *TRUE_RATIOS):
            with pinned(measured_cpu()):
                worker = WorkerProcess(name, threads=1, time_limit_s=LIMIT_S)
            stack.callback(worker.close)
            worker.ask("start", target=f"{SUBJECTS}:{name}", threads=1, function=True)
            timed[name] = TimedWorker(worker, "function")
        pace = pace or schedule.calibrate(timed["plain"])

        def fail(name: str, failure: Failed) -> None:
            raise failure

        paces = dict.fromkeys(timed, pace)
        return pace, schedule.run_rounds(timed, paces, WORKER_ROUNDS, np.random.default_rng(), fail, Failed)


def _call(target: str, arguments: dict[str, Any], cpus: list[int]) -> Any:
    """Call a function of this package in a fresh process, one thread in every pool. Raises NotMeasured."""
    try:
        with pinned(cpus):
            return call(f"samegrad.benchmarks.clock.selfcheck.{target}", arguments, timeout_s=LIMIT_S)
    except (Failed, Unavailable, BadInput) as reason:
        raise NotMeasured(f"{target} of {' '.join(arguments.values())}: {reason}") from None
