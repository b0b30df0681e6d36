"""What a worker process serves: one implementation, its frameworks and nothing else. `crew.py` is the parent's end."""

from __future__ import annotations

import importlib
import os
from time import perf_counter_ns
from typing import Any

from samegrad.benchmarks.clock import memory
from samegrad.benchmarks.clock.blocks import Clock, Handicapped, affinity, settle, thread_pools
from samegrad.benchmarks.clock.calls import build
from samegrad.benchmarks.clock.calls.base import CallRequest, PassCall
from samegrad.impls.checking.agreement import Disagreement, Reference, require
from samegrad.impls.checking.gate import Gate
from samegrad.impls.checking.subject import Broken
from samegrad.impls.implementation import Implementation
from samegrad.impls.task import Task


class Impossible(Exception):
    """Raised where a call takes less time than it takes to read its input."""

    refusal = "impossible"


class Worker(Clock):
    """One implementation's class and the calls that were prepared; it answers requests."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: dict[str, PassCall] = {}
        self.gates: dict[str, Gate] = {}
        self.kept: tuple[Any, Reference] | None = None
        self.threads = 1

    def start(self, target: str, threads: int, function: bool = False) -> dict[str, Any]:
        """Import `module:name`: an Implementation, or with `function` something that makes a plain callable to time."""
        began_ns = perf_counter_ns()
        self.threads = threads
        module, _, name = target.partition(":")
        subject = getattr(importlib.import_module(module), name)
        pools: dict[str, Any] = {}
        if function:
            self.function = subject()
            settle()
        else:
            self.implementation: type[Implementation] = subject
            subject.set_threads(threads)
            pools = subject.threads()
        import_ns = perf_counter_ns() - began_ns
        return {"import_ns": import_ns, "threads": pools | thread_pools(), "affinity": affinity(), "pid": os.getpid()}

    def prepare(self, key: str, pass_name: str, task: dict[str, Any]) -> dict[str, Any]:
        """Build the case, call it once, and check that very call by the gate: its result, and the whole contract."""
        asked = CallRequest(key, pass_name, Task.from_json(task))
        memory.require(asked.task)
        self.prepared.pop(key, None)  # if this one fails there is nothing to time, not even an earlier one
        began_ns = perf_counter_ns()
        call = build(self.implementation(), asked)
        prepared_ns = perf_counter_ns()
        result = call.run()
        if call.finish:
            call.finish()
        called_ns = perf_counter_ns()

        reference = self._reference(asked.task)
        agreements = call.agreements(result, reference)
        require(agreements, implementation=key, case=asked.case.group)
        on_device = call.on_device()
        self.gates[key] = gate = Gate(call, self.threads)
        _require_gate(gate, key, asked.case.group)
        self.calls[key] = self.prepared[key] = call
        settle()
        return {
            "prepare_ns": prepared_ns - began_ns,
            "first_call_ns": called_ns - prepared_ns,
            "gate_ns": perf_counter_ns() - called_ns,
            "rows_are_fixed": gate.rows_are_fixed,
            "threads_found": self.implementation.threads() | thread_pools(),
            "agreement": {agreement.tensor: float(agreement.tau) for agreement in agreements},
            "compilations": call.compilations,
            **on_device,
        }

    def _reference(self, task: Task) -> Reference:
        """The reference of a case, kept for the passes that follow at the same parameters, batch and dtype."""
        about = {**task.as_json(), "device": None}
        if self.kept is None or self.kept[0] != about:
            self.kept = about, Reference.of(task)
        return self.kept[1]

    def recheck(self, key: str, took_ns: float) -> dict[str, Any]:
        """The gate again, after the rounds: what was timed, and took so long, still keeps the contract."""
        began_ns = perf_counter_ns()
        if self.pinned_to and affinity() != self.pinned_to:
            raise Handicapped(
                f"it was moved to CPU {affinity()} while it was timed; it had been pinned to {self.pinned_to}"
            )
        case = f"{self.calls[key].asked.case.group} after its rounds"
        _require_gate(self.gates[key], key, case, probes=1, moves=False, took_ns=took_ns)
        return {"gate_ns": perf_counter_ns() - began_ns}

    def forget(self) -> dict[str, Any]:
        """Let go of everything prepared, so that the next group starts with the memory free.

        A compiled function often holds the implementation that holds it. The collector would find such a ring, but no
        longer looks among the frozen; so the ring is cut here.
        """
        for call in self.calls.values():
            vars(call.implementation).clear()
        self.calls.clear()
        self.prepared.clear()
        self.gates.clear()
        return {}


def _require_gate(gate: Gate, name: str, case: str, **options: Any) -> None:
    """Raise Disagreement or Impossible where the implementation does not pass."""
    try:
        gate.require(**options)
    except Broken as broken:
        refused = Impossible if broken.clause == "possible" else Disagreement
        raise refused(f"{name} breaks the contract at {case}: {broken}") from None
