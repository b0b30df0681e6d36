"""The worker process of `samegrad time` serves one callable of the user's. The blocks are those of any worker."""

from __future__ import annotations

import gc
import os
import select
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter_ns
from typing import Any

import numpy as np
import psutil

from samegrad.benchmarks.clock.blocks import Clock, affinity, settle, thread_pools
from samegrad.benchmarks.own import readiness
from samegrad.benchmarks.own.leaves import fingerprint, leaves, to_array
from samegrad.benchmarks.own.target import Target, errors_in_one_line, require_result
from samegrad.impls.errors import BadInput

LONGEST_NS = 30_000_000
"""The longest block, in ns, where the work that calls leave undone is waited for untimed."""
FORKED_S = 5.0
"""The longest wait, in seconds, for a process that a first call has forked: does it return, too?"""
NAMED = 3
"""The most changed names that are listed."""


class OwnWorker(Clock):
    """Serves the user's callable: answers a worker's requests."""

    def start(
        self, target: str, threads: int, setup: str = "", arguments: str = "", inputs: str | None = None
    ) -> dict[str, Any]:
        """Import what is to be timed. Raises BadInput, in one line, where that is impossible."""
        began_ns = perf_counter_ns()
        self.target = Target(target, setup, arguments, inputs)
        if "torch" in sys.modules:
            sys.modules["torch"].set_num_threads(threads)
        import_ns = perf_counter_ns() - began_ns
        return {"import_ns": import_ns, "threads": thread_pools(), "affinity": affinity(), "pid": os.getpid()}

    def prepare(self, key: str, waits: bool, kept_in: str | None = None) -> dict[str, Any]:
        """Call it for the first time, look at what it returns and when that is ready, and set the call that is timed.

        kept_in: the file (.npz) into which the numbers of its result go. Raises BadInput where nothing can be timed.
        """
        target, threads = self.target, threading.active_count()
        printed, given = _written_bytes(), fingerprint(target.given)
        with errors_in_one_line(target.text):
            with returning_once(target.text):
                began_ns = perf_counter_ns()
                result = target.bound()()
                require_result(target.text, result)
                waiter = readiness.Waiter(result)
                waiter(result)
                first_ns = perf_counter_ns() - began_ns
            kept = keep(result, kept_in)
            remarks = [*self._changes(result, given), *(["it prints at every call"] if self._prints(printed) else [])]
            settle()
            seen = readiness.observe(target.bound(), waiter)
        if threading.active_count() > threads + readiness.ROUNDS:
            remarks.append("it leaves a thread behind at every call")
        self.waiter, self.waits, self.ready_ns = waiter, waits, seen.ready_ns
        self.prepared[key] = self
        self.begin()
        return {
            "prepare_ns": 0,
            "first_call_ns": first_ns,
            "agreement": {},
            "returned_ns": seen.returned_ns,
            "ready_ns": seen.ready_ns,
            "late": seen.late,
            "remarks": remarks,
            "leaves": kept,
        }

    def _prints(self, before: int) -> bool:
        """Whether it has printed something, and prints again when called again."""
        printed = _written_bytes()
        if printed == before:
            return False
        self.target.bound()()
        return _written_bytes() > printed

    def _changes(self, first: Any, given: dict[str, str]) -> list[str]:
        """Remarks on what two calls change of their arguments, and a second one of its module and of its result."""
        target, function = self.target, self.target.function
        names = getattr(getattr(function, "__code__", None), "co_names", ())
        read = {name: function.__globals__[name] for name in names if name in getattr(function, "__globals__", {})}
        first_texts = fingerprint(first)
        state = {name: fingerprint(value) for name, value in read.items()}
        again = fingerprint(readiness.Waiter(first)(target.bound()()))
        moved = [name for name in read if fingerprint(function.__globals__.get(name)) != state[name]]
        remarks = []
        if fingerprint(target.given) != given:
            remarks.append("it changes its arguments, so that later calls work on others")
        if moved:
            remarks.append(
                f"it changes the global {', '.join(moved[:NAMED])}, so that later calls do not repeat the first"
            )
        same_kind = all(not text.rpartition(" ")[2].isdigit() for text in (*first_texts.values(), *again.values()))
        if not remarks and same_kind and again != first_texts:
            remarks.append("its result is another at each call")
        return remarks

    finish: Callable[[], Any] | None = None

    def begin(self) -> None:
        """Take the next inputs, untimed, and set `run`."""
        self.target.next_inputs()
        call = self.target.bound()
        self.run: Callable[[], Any] = self.waiter.fenced(call) if self.waits and self.waiter.is_needed else call

    def time(self, key: str, prefix: int, calls: int) -> dict[str, float]:
        """Time one block, or with `--no-wait` the returns of its calls, each of which is then waited for untimed.

        Where the waiting would make a block much too long, fewer calls are made and their time is scaled up.
        """
        with errors_in_one_line(self.target.text):
            if self.waits or not self.waiter.is_needed:
                return super().time(key, prefix, calls)
            return self._time_returns(prefix, calls)

    def _time_returns(self, prefix: int, calls: int) -> dict[str, float]:
        self.begin()
        call, waiter, total_ns = self.target.bound(), self.waiter, 0
        made = min(calls, max(1, round(LONGEST_NS / self.ready_ns)))
        prefix = min(prefix, made)
        gc.collect()
        gc.disable()
        try:
            for number in range(-prefix, made):
                began_ns = perf_counter_ns()
                result = call()
                took_ns = perf_counter_ns() - began_ns
                waiter(result)
                total_ns += took_ns if number >= 0 else 0
        finally:
            gc.enable()
        return {"ns": round(total_ns * calls / made)}

    def recheck(self, key: str, took_ns: float) -> dict[str, Any]:
        """Return nothing: there is no contract to check for a function of the user's."""
        return {}

    def forget(self) -> dict[str, Any]:
        self.prepared.clear()
        return {}


@contextmanager
def returning_once(text: str) -> Iterator[None]:
    """Raise BadInput where what is done within comes to its end in a process that it has forked as well.

    That process ends there; it would go on as a second worker, and twice as many with each further call.
    """
    if not hasattr(os, "fork"):
        yield
        return
    worker = os.getpid()
    seen_here, written_there = os.pipe()
    try:
        yield
    finally:
        if os.getpid() != worker:
            os.write(written_there, b"returned")
            os._exit(0)
        os.close(written_there)  # when all its children have ended, nobody has it any more
        wait_s = FORKED_S if psutil.Process().children() else 0
        came_back = select.select([seen_here], [], [], wait_s)[0] and os.read(seen_here, 1)
        os.close(seen_here)
    if came_back:
        raise BadInput(f"{text} forks, and returns in the child too; end the child there, as by os._exit(0)")


def _written_bytes() -> int:
    """The bytes written to standard output and error so far, which go to one file."""
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    return os.fstat(1).st_size


def keep(result: Any, path: str | None) -> list[dict[str, Any]]:
    """The leaves of a result; the numbers of those that have any go into the file, by the leaf's place."""
    arrays, entries = {}, []
    for number, (where, leaf) in enumerate(leaves(result)):
        array = to_array(leaf)
        kind = "array" if array is not None else "plain" if isinstance(leaf, str | bytes | None) else "opaque"
        entries.append({"path": where, "kind": kind, "text": repr(leaf) if kind == "plain" else type(leaf).__name__})
        if array is not None:
            arrays[str(number)] = array
    if path:
        with Path(path).open("wb") as file:
            np.savez(file, **arrays)  # type: ignore[arg-type]
    return entries
