"""Whether a call comes back before its result is ready, and how to wait for it.

    JAX arrays                               are asked: is_ready, block_until_ready
    futures, promises, asynchronous results  are asked: done or ready; result, wait or get
    threads and processes in the result      are asked: is_alive, join
    threads that the call has started        are seen: alive when it returns, and not before
    PyTorch and TensorFlow on a device       are synchronized, which finishes what is enqueued there
    anything else that becomes an array      is made one; what that takes beyond some copies of it was still undone
    threads that were there before           are seen only by the processor time that they use after the return

What a call left undone is the time from its return until all of that is ready, less what the same takes once more.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from operator import methodcaller
from statistics import median
from time import perf_counter_ns
from typing import Any

import numpy as np

from samegrad.benchmarks.own.leaves import leaves

PROTOCOLS = (
    ("is_ready", "block_until_ready"),
    ("done", "result"),
    ("done", "wait"),
    ("ready", "get"),
    ("is_completed", "wait"),
)
"""Methods that ask whether a result is ready, and wait: JAX, concurrent.futures, torch, multiprocessing, NCCL."""
READY_TYPES = ("numpy", "builtins", "pandas", "jax", "jaxlib", "torch", "tensorflow", "keras", "scipy")
"""Modules whose arrays are no promises: what they compute is known by other means."""
ROUNDS = 11
ENOUGH_S = 2.0
"""After this many seconds no more rounds are made."""
LATE_SHARE, LATE_NS = 0.10, 5_000
"""A result is late if waiting takes at least a tenth of the call, and more than waiting costs by itself."""
COPIES = 4
THREAD_S = 1.0
"""Seconds; a thread that lives for longer is no part of the call."""
BEHIND_SHARE, BEHIND_NS = 0.25, 500_000
PAUSE_NS = 20_000_000
"""A pause long enough for a thread to get the processor on a busy machine."""


def waiting(leaf: Any) -> tuple[Callable[[Any], bool] | None, Callable[[Any], Any]] | None:
    """How to ask a leaf whether it is ready (None: impossible), and how to wait for it; None where there is no need."""
    for ask, wait in PROTOCOLS:
        if callable(getattr(leaf, ask, None)) and callable(getattr(leaf, wait, None)):
            return methodcaller(ask), methodcaller(wait)
    if callable(getattr(leaf, "is_alive", None)) and callable(getattr(leaf, "join", None)):
        return (lambda leaf: not leaf.is_alive()), (lambda leaf: leaf.join())
    module = type(leaf).__module__.partition(".")[0]
    device = getattr(leaf, "device", None)
    if module == "torch" and getattr(device, "type", "cpu") not in ("cpu", "meta"):
        return None, _torch_finish
    if module in ("tensorflow", "keras") and isinstance(device, str) and "CPU" not in device.upper() and device:
        return None, _tensorflow_finish
    if hasattr(leaf, "__array__") and module not in READY_TYPES and not isinstance(leaf, np.ndarray | np.generic):
        return None, np.asarray
    return None


def _torch_finish(tensor: Any) -> None:
    kind = getattr(sys.modules["torch"], tensor.device.type)
    kind.synchronize()


def _tensorflow_finish(tensor: Any) -> None:
    sys.modules["tensorflow"].test.experimental.sync_devices()


class Waiter:
    """Waits for results that are like one that was seen: the same leaves in the same places."""

    def __init__(self, result: Any) -> None:
        self.ways = [(path, leaf, way) for path, leaf in leaves(result) if (way := waiting(leaf))]
        self.threads = False
        """Whether the threads that a call has started are waited for too."""

    @property
    def is_needed(self) -> bool:
        return bool(self.ways) or self.threads

    def __call__(self, result: Any) -> Any:
        """Return the result once it is ready; and so for what a future gives."""
        for _, leaf in leaves(result):
            if way := waiting(leaf):
                later = way[1](leaf)
                if later is not None and later is not leaf and not isinstance(later, np.ndarray):
                    self(later)
        return result

    def pending(self, result: Any) -> bool | None:
        """Whether some leaf is not ready yet; None where no leaf can be asked."""
        answers = [way[0](leaf) for _, leaf in leaves(result) if (way := waiting(leaf)) and way[0]]
        return not all(answers) if answers else None

    def fenced(self, call: Callable[[], Any]) -> Callable[[], Any]:
        """The call followed by waiting for its result. For JAX's arrays alone this costs little."""
        methods = {"block_until_ready" for _, leaf, _ in self.ways if hasattr(leaf, "block_until_ready")}
        if self.threads or not methods or not all(hasattr(leaf, "block_until_ready") for _, leaf, _ in self.ways):
            return self._slowly(call)
        waits = ", ".join(f"result{path}.block_until_ready()" for path, _, _ in self.ways)
        source = f"def fenced():\n    result = call()\n    {waits}\n    return result"
        names: dict[str, Any] = {"call": call}
        exec(source, names)
        made: Callable[[], Any] = names["fenced"]
        return made

    def _slowly(self, call: Callable[[], Any]) -> Callable[[], Any]:
        def fenced() -> Any:
            before = threading.enumerate() if self.threads else ()
            result = self(call())
            for thread in threading.enumerate() if self.threads else ():
                if thread not in before:
                    thread.join(THREAD_S)
            return result

        return fenced


@dataclass(frozen=True)
class Return:
    """When a call came back and when its result was ready, from its start, in ns; and why it is called unready."""

    returned_ns: float
    ready_ns: float
    late: str = ""


def observe(call: Callable[[], Any], waiter: Waiter) -> Return:
    """Time the return and the readiness of some calls. Sets whether the waiter has threads to wait for."""
    returned, ready = [], []  # type: list[float], list[float]
    pending, threads = [], []  # type: list[bool | None], list[bool]
    end_s = time.monotonic() + ENOUGH_S
    while len(ready) < ROUNDS and (len(ready) < 3 or time.monotonic() < end_s):
        before = set(threading.enumerate())
        began_ns = perf_counter_ns()
        result = call()
        returned_ns = perf_counter_ns()
        pending.append(waiter.pending(result))
        started = [thread for thread in threading.enumerate() if thread not in before]
        asked_ns = perf_counter_ns()
        waiter(result)
        for thread in started:
            thread.join(THREAD_S)
        ready_ns = perf_counter_ns()
        waiter(result)
        again_ns = perf_counter_ns() - ready_ns
        left_ns = max(0, ready_ns - asked_ns - min(again_ns, _allowed_ns(result, again_ns)))
        if not waiter.ways and not started:
            left_ns = 0  # nothing was waited for: the time is that of looking through a large result
        threads.append(bool(started) and not any(thread.is_alive() for thread in started))
        returned.append(returned_ns - began_ns)
        ready.append(returned_ns - began_ns + left_ns)
    waiter.threads = sum(threads) > len(threads) / 2
    came, was = median(returned), median(ready)
    answers = [one for one in pending if one is not None]
    is_late = sum(answers) > len(answers) / 2 if answers else was - came > max(LATE_NS, LATE_SHARE * was)
    if is_late or (waiter.threads and was - came > max(LATE_NS, LATE_SHARE * was)):
        return Return(came, max(was, came), "its result was not ready")
    if not answers and (share := share_behind(call)) >= BEHIND_SHARE:
        return Return(came, came, f"{share:.0%} of its work was done later by threads that nobody can wait for")
    return Return(came, came)


def _allowed_ns(result: Any, again_ns: int) -> float:
    """The time that waiting for a ready result may take: that of a second wait, or where arrays are made, of copies."""
    arrays = [leaf for _, leaf in leaves(result) if (way := waiting(leaf)) and way[1] is np.asarray]
    if not arrays:
        return again_ns
    copies = [np.asarray(leaf) for leaf in arrays]
    began_ns = perf_counter_ns()
    for copy in copies:
        copy.copy()
    return COPIES * (perf_counter_ns() - began_ns)


def share_behind(call: Callable[[], Any]) -> float:
    """The processor time that this process uses after a call has returned, as a share of the call's and its own."""
    shares = []
    for _ in range(3):
        end_s = time.monotonic() + ENOUGH_S
        while (idle_ns := _used_ns(PAUSE_NS)) > BEHIND_NS and time.monotonic() < end_s:
            pass  # what earlier calls have left undone
        began_ns, began_cpu_ns = perf_counter_ns(), time.process_time_ns()
        call()
        used_ns, took_ns = time.process_time_ns() - began_cpu_ns, perf_counter_ns() - began_ns
        pause_ns = max(PAUSE_NS, 2 * took_ns)
        later_ns = _used_ns(pause_ns) - idle_ns * pause_ns / PAUSE_NS
        shares.append(later_ns / (used_ns + later_ns) if later_ns > BEHIND_NS else 0.0)
    return median(shares)


def _used_ns(pause_ns: float) -> int:
    """The processor time that this process uses while this thread sleeps."""
    began_ns = time.process_time_ns()
    time.sleep(pause_ns / 1e9)
    return time.process_time_ns() - began_ns
