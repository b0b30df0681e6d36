"""The worker process: one implementation, its frameworks and nothing else, asked over a pipe of JSON lines.

Started by `crew.py` as `python -m benchmarks.clock.worker`. One request a line on standard input, one answer a line on
what was standard output; whatever a framework prints goes to standard error, which the parent keeps.
"""

from __future__ import annotations

import gc
import importlib
import itertools
import json
import os
import signal
import sys
import traceback
from collections.abc import Callable
from functools import partial
from time import perf_counter_ns
from typing import Any

import numpy as np

from benchmarks.clock.case import LEARNING_RATE, LOOP_STEPS
from impls.checking.agreement import Disagreement, Reference, require
from impls.errors import BadInput, Unavailable
from impls.implementation import LOOP, Implementation
from impls.numpy_manual import NumpyManual
from impls.parameters import Layer, Parameters, rounded, tensors
from impls.problem import Problem, get_problem

PIECES = 10
CUT = 2
"""Times the median piece: a longer one has lost a time slice to another process."""


def time_block(call: Callable[[], Any], prefix: int, calls: int) -> int:
    """Nanoseconds that `calls` calls take, after `prefix` untimed ones: the mean of ten pieces, without the cut ones.

    A block of 3 ms is as long as a scheduler's time slice. Where a process shares the CPU, most blocks lose a slice to
    it, but few of their pieces do, and such a piece takes ten times as long: any over twice the median are left out.
    (With a busy process on the CPU a launch's ratio scattered by 3.3 % by whole blocks and by 1.0 % without the pieces
    it cut.) Smaller disturbances stay in the mean, as they do in anyone's loop.

    The loop is the leanest that Python has: a local name called without arguments, over an iterator that makes no
    numbers. Garbage is collected before the block and not inside it.
    """
    in_piece = max(1, calls // PIECES)
    pieces_ns = [0] * max(1, calls // in_piece)
    gc.collect()
    gc.disable()
    try:
        for _ in itertools.repeat(None, prefix):
            call()
        for piece in range(len(pieces_ns)):
            loop = itertools.repeat(None, in_piece)
            start_ns = perf_counter_ns()
            for _ in loop:
                call()
            pieces_ns[piece] = perf_counter_ns() - start_ns
    finally:
        gc.enable()
    pieces = np.array(pieces_ns)
    return round(float(pieces[pieces <= CUT * np.median(pieces)].mean()) * calls / in_piece)


def settle() -> None:
    """Collect what is garbage now; what remains is not searched again at every block.

    To search what a framework has built takes 2 to 300 ms.
    """
    gc.collect()
    gc.freeze()


def bind(implementation: Implementation, pass_name: str) -> Callable[[], Any]:
    """The callable that is checked and then timed."""
    if pass_name == "train_step":
        return partial(implementation.train_step, LEARNING_RATE)
    if pass_name == LOOP:
        return partial(implementation.train_loop, LEARNING_RATE, LOOP_STEPS)
    return getattr(implementation, pass_name)


def require_steps(
    result: Any,
    problem: Problem,
    initial: Parameters,
    batch: int,
    dtype: str,
    seed: int,
    implementation: str,
    case: str,
) -> None:
    """Raise Disagreement where a loop has not made its 100 steps, counted against the manual pass in float64.

    What a rounding at each step has grown to after a hundred has no derived bound; but a step too many or too few moves
    the parameters by one whole step, so that half of the last one tells right from wrong. (The loop's single step is
    held to the bound.)
    """
    counted = NumpyManual()
    counted.prepare(
        problem, [Layer(W.copy(), b.copy()) for W, b in rounded(initial, dtype)], batch, "float64", seed=seed
    )
    before = tensors(counted.to_numpy(counted.train_loop(LEARNING_RATE, LOOP_STEPS - 1))[1])
    after = tensors(counted.to_numpy(counted.train_step(LEARNING_RATE))[1])
    found = tensors(result[1])
    step = max(np.abs(after[name] - before[name]).max() for name in after)
    for name, expected in after.items():
        distance = np.abs(found[name] - expected)
        if not distance.max() <= step / 2:
            index = np.unravel_index(np.argmax(distance), distance.shape)
            raise Disagreement(
                f"{implementation} disagrees at {case}: after {LOOP_STEPS} steps {name}{list(map(int, index))} is "
                f"{found[name][index]:.9g}, but should be {expected[index]:.9g} (tolerance {step / 2:.2g}, half a step)"
            )


class Worker:
    """Holds the implementation's class and the calls that were prepared, and answers requests."""

    def __init__(self) -> None:
        self.calls: dict[str, Callable[[], Any]] = {}
        self.prepared: list[Implementation] = []
        self.kept: tuple[Any, Reference] | None = None

    def start(self, target: str, threads: int, function: bool = False) -> dict[str, Any]:
        """Import `module:name`: an Implementation, or with `function` something that makes a plain callable to time."""
        began_ns = perf_counter_ns()
        module, _, name = target.partition(":")
        subject = getattr(importlib.import_module(module), name)
        found: dict[str, Any] = {}
        if function:
            self.calls["function"] = subject()
            settle()
        else:
            self.implementation: type[Implementation] = subject
            subject.set_threads(threads)
            found = subject.threads()
        import_ns = perf_counter_ns() - began_ns
        return {"import_ns": import_ns, "threads": found | _thread_pools(), "affinity": _affinity(), "pid": os.getpid()}

    def prepare(
        self,
        key: str,
        problem: str,
        pass_name: str,
        batch: int,
        dtype: str,
        device: str,
        seed: int,
        parameters: list[list[Any]] | None = None,
    ) -> dict[str, Any]:
        """Build the case, call it once, and hold the result of that very call against the reference: the gate."""
        the_problem = get_problem(problem)
        initial = (
            the_problem.parameters(seed)
            if parameters is None
            else [Layer(np.asarray(W), np.asarray(b)) for W, b in parameters]
        )
        self.calls.pop(key, None)  # if this one fails there is nothing to time, not even an earlier one
        implementation = self.implementation()
        began_ns = perf_counter_ns()
        implementation.prepare(the_problem, initial, batch, dtype, device, seed)
        prepared_ns = perf_counter_ns()
        call = bind(implementation, pass_name)
        result = call()
        called_ns = perf_counter_ns()

        where = {"implementation": key, "case": f"{problem} {pass_name} batch={batch} {dtype} {device}"}
        if pass_name == LOOP:
            require_steps(implementation.to_numpy(result), the_problem, initial, batch, dtype, seed, **where)
            implementation.prepare(the_problem, initial, batch, dtype, device, seed)
            result = implementation.train_loop(LEARNING_RATE, 1)
        reference = self._reference(the_problem, initial, batch, dtype, seed)
        checked = "train_step" if pass_name == LOOP else pass_name
        agreements = reference.agree(checked, implementation.to_numpy(result), learning_rate=LEARNING_RATE)
        require(agreements, **where)

        self.calls[key] = call
        self.prepared.append(implementation)
        settle()
        return {
            "prepare_ns": prepared_ns - began_ns,
            "first_call_ns": called_ns - prepared_ns,
            "agreement": {agreement.tensor: float(agreement.tau) for agreement in agreements},
        }

    def _reference(self, problem: Problem, parameters: Parameters, batch: int, dtype: str, seed: int) -> Reference:
        """The reference of a case, kept for the passes that follow at the same parameters, batch and dtype."""
        about = (problem.name, batch, dtype, seed, [tensor.tobytes() for tensor in tensors(parameters).values()])
        if self.kept is None or self.kept[0] != about:
            self.kept = about, Reference(problem, parameters, *problem.data(batch, seed), dtype)
        return self.kept[1]

    def time(self, key: str, prefix: int, calls: int) -> dict[str, int]:
        """Time one block. Units: nanoseconds for the whole block."""
        return {"ns": time_block(self.calls[key], prefix, calls)}

    def forget(self) -> dict[str, Any]:
        """Let go of everything prepared, so that the next group starts with the memory free.

        A compiled function often holds the implementation that holds it. The collector would find such a ring, but no
        longer looks among the frozen; so the ring is cut here.
        """
        for implementation in self.prepared:
            vars(implementation).clear()
        self.prepared.clear()
        self.calls = {key: call for key, call in self.calls.items() if key == "function"}
        return {}


def _affinity() -> list[int] | None:
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None


def _thread_pools() -> dict[str, int]:
    """The pools that threadpoolctl finds, by library, and all threads that the process has, idle ones too."""
    import psutil
    from threadpoolctl import threadpool_info

    pools = {f"{pool['internal_api']} ({pool['user_api']})": pool["num_threads"] for pool in threadpool_info()}
    return pools | {"threads of the process": psutil.Process().num_threads()}


def _die_with_parent() -> None:
    """On Linux, ask the kernel to end this process when the parent ends, however it ends."""
    if sys.platform == "linux":
        import ctypes

        set_parent_death_signal = 1
        ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGKILL)


FAILURES = {Unavailable: "unavailable", Disagreement: "disagreement", BadInput: "bad input"}


def serve() -> None:
    """Answer requests until standard input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    _die_with_parent()
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    worker = Worker()
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = getattr(worker, request.pop("do"))(**request)
        except Exception as error:
            kind = FAILURES.get(type(error), "exception")
            text = str(error) if kind != "exception" else traceback.format_exc(limit=-3)
            answer = {"failed": kind, "reason": text}
        print(json.dumps(answer), file=answers)


if __name__ == "__main__":
    serve()
