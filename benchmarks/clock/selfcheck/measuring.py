"""Gathering trials: fresh processes, pinned, one after another until the time of a part is used up."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.clock import schedule
from benchmarks.clock.crew import ROOT, THREAD_VARIABLES, WorkerFailed, WorkerProcess, pinned
from benchmarks.clock.run import Timed
from benchmarks.clock.selfcheck.load import measured_cpu
from benchmarks.clock.selfcheck.subjects import TRUE_RATIOS
from benchmarks.results.statistics import paired_log_ratio

WORKER_ROUNDS = 30
LIMIT_S = 120.0
"""For one process, however loaded the machine is."""

SUBJECTS = "benchmarks.clock.selfcheck.subjects"


class NotMeasured(Exception):
    """A part of the self-check could not be measured; the message says why."""


def until(seconds: float, least: int = 1) -> Iterator[int]:
    """Count 0, 1, 2, … while time remains, and at least to `least` − 1. No seconds: not at all."""
    began_s = time.monotonic()
    number = 0
    while seconds > 0 and (number < least or time.monotonic() - began_s < seconds):
        yield number
        number += 1


def gather(measure: Callable[[], Any], seconds: float, tick: Callable[[], None]) -> list[Any]:
    """One measurement after another until the time is used up."""
    found = []
    for _ in until(seconds):
        found.append(measure())
        tick()
    return found


def trial(name: str) -> Any:
    """One trial of `trials.py`. Raises NotMeasured."""
    return json.loads(_python("-m", "benchmarks.clock.selfcheck.trials", name))


def fence(name: str) -> Any:
    """One implementation observed by `fence.py`, on all CPUs: a device that works on while the call returns needs one
    to work on. Raises NotMeasured."""
    return json.loads(_python("-m", "benchmarks.clock.selfcheck.fence", name, pin=False))


def stock(tests: str) -> dict[str, dict[str, Any]]:
    """One session of stock pytest-benchmark on the tests of `stock.py` that `tests` selects, as for its -k option.

    Returns {subject: {"median": s, "mean": s, …and extra_info}}. Raises NotMeasured.
    """
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder, "stock.json")
        file = Path(__file__).with_name("stock.py")
        alone = ("-c", os.devnull, f"--rootdir={folder}", "-p", "no:cacheprovider", "--import-mode=importlib")
        _python("-m", "pytest", "-q", *alone, f"--benchmark-json={out}", "-k", tests, str(file))
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
    found: list[dict[str, float]] = []
    pace: schedule.Pace | None = None
    for _ in until(seconds, least):
        try:
            pace, times = _launch(pace)
        except WorkerFailed as failure:
            raise NotMeasured(f"{failure}; its last lines: {' / '.join(failure.stderr[-3:])}") from None
        found.append({name: paired_log_ratio(times[name], times["plain"]) for name in TRUE_RATIOS})
        tick()
    return found


def _launch(pace: schedule.Pace | None) -> tuple[schedule.Pace, dict[str, Any]]:
    with ExitStack() as stack:
        timed = {}
        for name in ("plain", *TRUE_RATIOS):
            with pinned(measured_cpu()):
                worker = WorkerProcess(name, threads=1, time_limit_s=LIMIT_S)
            stack.callback(worker.close)
            worker.ask("start", target=f"{SUBJECTS}:{name}", threads=1, function=True)
            timed[name] = Timed(worker, "function")
        pace = pace or schedule.calibrate(timed["plain"])

        def fail(name: str, failure: WorkerFailed) -> None:
            raise failure

        paces = dict.fromkeys(timed, pace)
        return pace, schedule.run_rounds(timed, paces, WORKER_ROUNDS, np.random.default_rng(), fail, WorkerFailed)


def _python(*arguments: str, pin: bool = True) -> str:
    """The standard output of a fresh Python on the measured CPU, one thread in every pool. Raises NotMeasured."""
    environment = os.environ | dict.fromkeys(THREAD_VARIABLES, "1")
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    with pinned(measured_cpu() if pin else []):
        process = subprocess.Popen(
            [sys.executable, *arguments],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
    with process:
        try:
            output, errors = process.communicate(timeout=LIMIT_S)
        except subprocess.TimeoutExpired:
            raise NotMeasured(f"{' '.join(arguments[:3])} took more than {LIMIT_S:g} s") from None
        finally:
            process.kill()
    if process.returncode != 0:
        last = (errors.strip() or output.strip()).splitlines()[-1:] or ["no message"]
        raise NotMeasured(f"{' '.join(arguments[:3])} failed: {last[0]}")
    return output
