"""A machine in a script: fake workers with known costs on one clock, and everything they were asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from samegrad.benchmarks.clock import record
from samegrad.benchmarks.clock import run as module
from samegrad.benchmarks.clock.case import Case
from samegrad.benchmarks.clock.record import Group, Request, Run
from samegrad.benchmarks.clock.run import measure
from samegrad.impls.child import Failed
from samegrad.impls.registry import Entry

VAG = Case("xor", "value_and_grad", 4, "float32", "cpu")
STEP = Case("xor", "train_step", 4, "float32", "cpu")
FORWARD = Case("line", "forward", 256, "float64", "cpu")
CASES = (VAG, STEP, FORWARD)


@dataclass
class Asked:
    """One request to a worker. `launch` counts from 1."""

    launch: int
    name: str
    do: str
    request: dict[str, Any]


Fault = Callable[[Asked], BaseException | None]


@dataclass
class Machine:
    """costs_ns: per worker's name the ns per call. A fault looks at each request and may answer with an exception."""

    costs_ns: Mapping[str, float]
    fault: Fault = lambda asked: None
    cost: Callable[[str, float, Machine], float] = lambda name, cost_ns, machine: cost_ns
    now_ns: float = 0.0
    asked: list[Asked] = field(default_factory=list)
    workers: list[FakeWorker] = field(default_factory=list)
    progress: list[tuple[int, int, str]] = field(default_factory=list)
    missing: Mapping[str, str] = field(default_factory=dict)

    def requests(self, do: str, name: str | None = None, launch: int | None = None) -> list[dict[str, Any]]:
        return [
            asked.request
            for asked in self.asked
            if asked.do == do and name in (None, asked.name) and launch in (None, asked.launch)
        ]

    def entry(self, name: str) -> Entry:
        entry = Entry(name, f"fake:{name}", "fake", "scripted", is_floor=name == "floor")
        reason = self.missing.get(name)
        object.__setattr__(entry, "missing", lambda: reason)
        return entry

    def note(self, launch: int, group: int, message: str) -> None:
        self.progress.append((launch, group, message))

    @contextmanager
    def installed(self) -> Iterator[None]:
        machine = self

        class OfThisMachine(FakeWorker):
            def __init__(self, name: str, *where: Any) -> None:
                super().__init__(machine, name)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(module, "WorkerProcess", OfThisMachine)
            patch.setattr(record, "get_entry", self.entry)
            patch.setattr(module.cpus, "choose", lambda threads, asked=(): [])
            patch.setattr(module.time, "monotonic", lambda: self.now_ns / 1e9)
            yield

    def measure(self, kept: Mapping[Case, Group] | None = None, **request: Any) -> Run:
        """A run of all cases with all implementations of this machine, or of what the request says."""
        names = tuple(name for name in self.costs_ns if not name.startswith("("))
        request.setdefault("cases", {case: names for case in CASES})
        with self.installed():
            return measure(Request(**{"budget_s": 3.0} | request), self.note, np.random.default_rng(0), kept)


class FakeWorker:
    """Answers as `samegrad.benchmarks.clock.worker` does, at the machine's costs."""

    def __init__(self, machine: Machine, name: str) -> None:
        self.machine, self.name = machine, name
        self.launch = machine.progress[-1][0]
        self.prepared: dict[str, str] = {}
        self.is_closed = False
        self.is_dead = False
        machine.workers.append(self)

    def ask(self, do: str, **request: Any) -> dict[str, Any]:
        assert not self.is_closed or self.is_dead, f"{self.name} was asked {do!r} after it was closed"
        asked = Asked(self.launch, self.name, do, request)
        self.machine.asked.append(asked)
        if self.is_dead:
            raise Failed("died", f"{self.name}'s worker is dead", [])
        if fault := self.machine.fault(asked):
            self.is_dead = isinstance(fault, Failed) and fault.is_gone
            self.is_closed |= self.is_dead
            raise fault
        return getattr(self, f"_{do}")(**request)

    def _start(self, target: str, threads: int, function: bool) -> dict[str, Any]:
        self.machine.now_ns += 1e8
        return {"import_ns": 10**8, "threads": {"pool": threads}, "affinity": [0], "pid": 1}

    def _examine(self, pinned_to: list[int]) -> dict[str, Any]:
        return {"affinity": [0], "handicaps": []}

    def _prepare(self, key: str, pass_name: str, task: dict[str, Any]) -> dict[str, Any]:
        self.prepared[key] = pass_name
        agreement = {"predictions": 0.25} if pass_name == "forward" else {"loss": 0.125, "W1": 0.25, "b1": 0.0}
        return {"prepare_ns": 1000, "first_call_ns": 2000 * self.launch, "agreement": agreement}

    def _time(self, key: str, prefix: int, calls: int) -> dict[str, int]:
        assert key == "function" or key in self.prepared, f"{self.name} was asked to time what it had not prepared"
        cost_ns = self.machine.cost(
            self.name, self.machine.costs_ns[self.name.removesuffix("(sentinel)")], self.machine
        )
        self.machine.now_ns += (prefix + calls) * cost_ns
        return {"ns": round(calls * cost_ns)}

    def _recheck(self, key: str, took_ns: float) -> dict[str, Any]:
        assert key in self.prepared and took_ns > 0
        return {}

    def _forget(self) -> dict[str, Any]:
        self.prepared.clear()
        return {}

    def close(self) -> None:
        self.is_closed = True


def gone(asked: Asked, reason: str = "the first reason") -> Failed:
    return Failed("died", f"{asked.name}: {reason}", ["its last line"])
