"""Blocks of calls, timed in a process that stays where it was pinned: what every worker has, whatever it times."""

from __future__ import annotations

import gc
import itertools
import os
from collections.abc import Callable
from pathlib import Path
from time import perf_counter_ns
from typing import Any, Protocol

import numpy as np

from samegrad.benchmarks.clock import cpus, doctor, memory

PIECES = 10
CUT = 2
"""A piece longer than this many times the median one has lost a time slice to another process, and is dropped."""


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
    """Return at once: every call has waited for its result."""


def settle() -> None:
    """Collect what is garbage now; what remains is not searched again at every block.

    To search what a framework has built takes 2 to 300 ms.
    """
    gc.collect()
    gc.freeze()


class Handicapped(Exception):
    """Raised where something outside replaces what should be timed, or watches it."""

    refusal = "handicapped"


class BlockCall(Protocol):
    """A prepared call: `run` is timed, `begin` is called before each block, and `finish` is timed at the end of it."""

    run: Callable[[], Any]

    @property
    def begin(self) -> Callable[[], Any] | None: ...
    @property
    def finish(self) -> Callable[[], Any] | None: ...


class Clock:
    """The part of every worker that times: it stays where it was pinned, and answers with the time of blocks."""

    def __init__(self) -> None:
        self.prepared: dict[str, BlockCall] = {}
        self.function: Callable[[], Any] | None = None
        self.pinned_to: list[int] = []

    def examine(self, pinned_to: list[int]) -> dict[str, Any]:
        """Return this process's CPUs, put back where an import has moved it, and what is different in it.

        Raises Handicapped where nothing may be timed in it.
        """
        self.pinned_to = pinned_to
        self._require_place()
        watching, differs = doctor.in_this_process()
        if watching:
            raise Handicapped("; ".join(watching))
        return {"affinity": affinity(), "handicaps": differs}

    def _require_place(self) -> None:
        if self.pinned_to and (now := cpus.put_back(self.pinned_to)) != self.pinned_to:
            raise Handicapped(f"it runs on CPU {now} where it was pinned to {self.pinned_to}, and cannot be moved back")

    def time(self, key: str, prefix: int, calls: int) -> dict[str, float]:
        """Time one block: nanoseconds for the whole of it, and the pages that a call faulted in."""
        if key == "function" and self.function:
            return {"ns": time_block(self.function, prefix, calls)}
        call = self.prepared[key]
        if call.begin:
            call.begin()
        before = memory.page_faults()
        block_ns = time_block(call.run, prefix, calls, call.finish)
        return {"ns": block_ns, "faults": (memory.page_faults() - before) / (prefix + calls)}


def affinity() -> list[int] | None:
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None


def thread_pools() -> dict[str, int]:
    """The pools that threadpoolctl finds, by library, XLA's by its threads' names, and all threads of the process."""
    import psutil
    from threadpoolctl import threadpool_info

    pools = {f"{pool['internal_api']} ({pool['user_api']})": pool["num_threads"] for pool in threadpool_info()}
    xla = sum(name.startswith(XLA_THREAD) for name in _thread_names())
    return pools | ({"XLA": xla} if xla else {}) | {"threads of the process": psutil.Process().num_threads()}


XLA_THREAD = "tf_XLAEigen"
"""The names that JAX and TensorFlow give the threads of XLA's pool, whose size they do not report."""


def _thread_names() -> list[str]:
    """The names of this process's threads; none where the system does not show them."""
    return [path.read_text().strip() for path in Path("/proc/self/task").glob("*/comm")]
