"""What a worker process serves: one implementation, its frameworks and nothing else. `crew.py` is the parent's end."""

from __future__ import annotations

import gc
import importlib
import itertools
import os
from collections.abc import Callable
from time import perf_counter_ns
from typing import Any

import numpy as np

from samegrad.benchmarks.clock import cpus, doctor, memory, noise
from samegrad.benchmarks.clock.calls import build
from samegrad.benchmarks.clock.calls.base import Asked, PassCall
from samegrad.impls.checking.agreement import Disagreement, Reference, require
from samegrad.impls.checking.gate import Broken, Gate
from samegrad.impls.implementation import Implementation
from samegrad.impls.task import Task

PIECES = 10
CUT = 2
"""Times the median piece: a longer one has lost a time slice to another process."""


def time_block(call: Callable[[], Any], prefix: int, calls: int, finish: Callable[[], Any] | None = None) -> int:
    """Nanoseconds that `calls` calls take, after `prefix` untimed ones: the mean of ten pieces, without the cut ones.

    A block of 3 ms is as long as a scheduler's time slice. Where a process shares the CPU, most blocks lose a slice to
    it, but few of their pieces do, and such a piece takes ten times as long: any over twice the median are left out.
    (With a busy process on the CPU a launch's ratio scattered by 3.3 % by whole blocks and by 1.0 % without the pieces
    it cut.) Smaller disturbances stay in the mean, as they do in anyone's loop.

    The loop is the leanest that Python has: a local name called without arguments, over an iterator that makes no
    numbers. Garbage is collected before the block and not inside it. Where calls return before their results are ready,
    each piece ends with `finish`, which waits for them.
    """
    finish = finish or _nothing
    in_piece = max(1, calls // PIECES)
    pieces_ns = [0] * max(1, calls // in_piece)
    gc.collect()
    gc.disable()
    try:
        for _ in itertools.repeat(None, prefix):
            call()
        finish()
        for piece in range(len(pieces_ns)):
            loop = itertools.repeat(None, in_piece)
            start_ns = perf_counter_ns()
            for _ in loop:
                call()
            finish()
            pieces_ns[piece] = perf_counter_ns() - start_ns
    finally:
        gc.enable()
    pieces = np.array(pieces_ns)
    return round(float(pieces[pieces <= CUT * np.median(pieces)].mean()) * calls / in_piece)


def _nothing() -> None:
    """What there is to finish where every call waits for its result."""


def settle() -> None:
    """Collect what is garbage now; what remains is not searched again at every block.

    To search what a framework has built takes 2 to 300 ms.
    """
    gc.collect()
    gc.freeze()


class Handicapped(Exception):
    """Something outside replaces what should be timed, or watches it."""

    refusal = "handicapped"


class Worker:
    """Holds the implementation's class and the calls that were prepared, and answers requests."""

    def __init__(self) -> None:
        self.calls: dict[str, PassCall] = {}
        self.gates: dict[str, Gate] = {}
        self.function: Callable[[], Any] | None = None
        self.kept: tuple[Any, Reference] | None = None
        self.pinned_to: list[int] = []

    def start(self, target: str, threads: int, function: bool = False) -> dict[str, Any]:
        """Import `module:name`: an Implementation, or with `function` something that makes a plain callable to time."""
        began_ns = perf_counter_ns()
        module, _, name = target.partition(":")
        subject = getattr(importlib.import_module(module), name)
        found: dict[str, Any] = {}
        if function:
            self.function = subject()
            settle()
        else:
            self.implementation: type[Implementation] = subject
            subject.set_threads(threads)
            found = subject.threads()
        import_ns = perf_counter_ns() - began_ns
        return {"import_ns": import_ns, "threads": found | _thread_pools(), "affinity": _affinity(), "pid": os.getpid()}

    def examine(self, pinned_to: list[int]) -> dict[str, Any]:
        """Where this process is, put back where an import has moved it, and what is different in it.

        Raises Handicapped where nothing may be timed in it.
        """
        self.pinned_to = pinned_to
        self._require_place()
        watching, differs = doctor.in_this_process()
        if watching:
            raise Handicapped("; ".join(watching))
        return {"affinity": _affinity(), "handicaps": differs}

    def _require_place(self) -> None:
        if self.pinned_to and (found := cpus.put_back(self.pinned_to)) != self.pinned_to:
            raise Handicapped(
                f"it runs on CPU {found} where it was pinned to {self.pinned_to}, and cannot be moved back"
            )

    def prepare(self, key: str, pass_name: str, task: dict[str, Any]) -> dict[str, Any]:
        """Build the case, call it once, hold the result of that very call against the reference, and all else that the
        contract says: the gate.
        """
        asked = Asked(key, pass_name, Task.from_json(task))
        memory.require(asked.task)
        self.calls.pop(key, None)  # if this one fails there is nothing to time, not even an earlier one
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
        self.gates[key] = gate = Gate(call)
        _pass(gate, key, asked.case.group)
        self.calls[key] = call
        settle()
        return {
            "prepare_ns": prepared_ns - began_ns,
            "first_call_ns": called_ns - prepared_ns,
            "gate_ns": perf_counter_ns() - called_ns,
            "rows_are_fixed": gate.rows_are_fixed,
            "agreement": {agreement.tensor: float(agreement.tau) for agreement in agreements},
            **on_device,
        }

    def _reference(self, task: Task) -> Reference:
        """The reference of a case, kept for the passes that follow at the same parameters, batch and dtype."""
        about = {**task.as_json(), "device": None}
        if self.kept is None or self.kept[0] != about:
            self.kept = about, Reference.of(task)
        return self.kept[1]

    def time(self, key: str, prefix: int, calls: int) -> dict[str, int]:
        """Time one block. Units: nanoseconds for the whole block."""
        if key == "function" and self.function:
            return {"ns": time_block(self.function, prefix, calls)}
        call = self.calls[key]
        if call.begin:
            call.begin()
        return {"ns": time_block(call.run, prefix, calls, call.finish)}

    def read(self, size_bytes: int) -> dict[str, float]:
        """How long it takes at least to read so many bytes."""
        return {"ns": noise.shortest_read_ns(size_bytes)}

    def recheck(self, key: str) -> dict[str, Any]:
        """The gate again, after the rounds: what was timed still keeps the contract."""
        began_ns = perf_counter_ns()
        if self.pinned_to and _affinity() != self.pinned_to:
            raise Handicapped(
                f"it was moved to CPU {_affinity()} while it was timed; it had been pinned to {self.pinned_to}"
            )
        _pass(self.gates[key], key, f"{self.calls[key].asked.case.group} after its rounds", probes=1, moves=False)
        return {"gate_ns": perf_counter_ns() - began_ns}

    def forget(self) -> dict[str, Any]:
        """Let go of everything prepared, so that the next group starts with the memory free.

        A compiled function often holds the implementation that holds it. The collector would find such a ring, but no
        longer looks among the frozen; so the ring is cut here.
        """
        for call in self.calls.values():
            vars(call.implementation).clear()
        self.calls.clear()
        self.gates.clear()
        return {}


def _pass(gate: Gate, name: str, case: str, **options: Any) -> None:
    """Raise Disagreement where the implementation does not pass."""
    try:
        gate.hold(**options)
    except Broken as broken:
        raise Disagreement(f"{name} breaks the contract at {case}: {broken}") from None


def _affinity() -> list[int] | None:
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None


def _thread_pools() -> dict[str, int]:
    """The pools that threadpoolctl finds, by library, and all threads that the process has, idle ones too."""
    import psutil
    from threadpoolctl import threadpool_info

    pools = {f"{pool['internal_api']} ({pool['user_api']})": pool["num_threads"] for pool in threadpool_info()}
    return pools | {"threads of the process": psutil.Process().num_threads()}
