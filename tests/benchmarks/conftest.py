"""One worker per framework, started when it is first needed and shared by the tests that need a real one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest

from samegrad.benchmarks.clock.crew import WorkerProcess
from samegrad.impls.child import pinnable, pinned
from samegrad.impls.registry import get_entry

TIME_LIMIT_S = 240.0
"""For a framework's import on a machine that is busy with other things."""


class Started(NamedTuple):
    """A worker and its answer to `start`."""

    process: WorkerProcess
    state: dict[str, Any]


@pytest.fixture(scope="session")
def workers() -> Iterator[Callable[[str], Started]]:
    """name → the worker of that implementation's framework, pinned as in a run, one thread."""
    started: dict[str, Started] = {}

    def worker(name: str) -> Started:
        entry = get_entry(name)
        if reason := entry.missing():
            pytest.skip(reason)
        if name in started and started[name].process._process.poll() is not None:
            del started[name]  # another test has ended every child of this process, as Ctrl-C does
        if name not in started:
            with pinned(pinnable()[-1:]):
                process = WorkerProcess(name, threads=1, time_limit_s=TIME_LIMIT_S)
            started[name] = Started(process, {})
            started[name].state.update(process.ask("start", target=entry.target, threads=1))
        return started[name]

    yield worker
    for process, _ in started.values():
        process.close()


@pytest.fixture
def spawn() -> Iterator[Callable[[str], WorkerProcess]]:
    """name → a fresh worker for a callable of `planted.py`, ended with the test."""
    spawned: list[WorkerProcess] = []

    def start(name: str) -> WorkerProcess:
        worker = WorkerProcess(name, threads=1, time_limit_s=TIME_LIMIT_S)
        spawned.append(worker)
        worker.ask("start", target=f"tests.benchmarks.planted:{name}", threads=1, function=True)
        return worker

    yield start
    for worker in spawned:
        worker.close()
