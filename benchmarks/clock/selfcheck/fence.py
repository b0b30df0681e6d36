"""Does a call wait for its result? Observed of one implementation in a process of its own.

What a call leaves undone is paid by the first who looks at the result. With

    at once    the time to bring the result to NumPy straight after the call
    rested     the same, some time after the call, when the work is over for certain

a call that waited has at once ≈ rested; one that did not has at once − rested > 0: it returned so much too early.

The same implementation without its fence is made by taking its `wait` away for a while.
"""

from __future__ import annotations

import contextlib
import gc
import statistics
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import Any

from samegrad.impls.implementation import Implementation
from samegrad.impls.problem import get_problem
from samegrad.impls.registry import get_entry
from samegrad.impls.task import Task

DEFERRED = "(left unfenced)"
BATCH = 65536
"""So large that the arithmetic, which may be left undone, is most of the call."""

ROUNDS = 15
EARLY_LIMIT = 0.10
"""Of the time of a whole call: the share that may seem to be missing for reasons of measurement."""


@dataclass(frozen=True)
class Wait:
    """What was measured of one implementation, fenced or not; medians in ns."""

    call_ns: float
    at_once_ns: float
    rested_ns: float

    @property
    def early_ns(self) -> float:
        """How much too early the call returned."""
        return self.at_once_ns - self.rested_ns

    @property
    def is_fenced(self) -> bool:
        """Whether nearly all of the work was done when the call returned."""
        return self.early_ns <= EARLY_LIMIT * (self.call_ns + max(0.0, self.early_ns))


def observe(
    call: Callable[[], Any],
    to_numpy: Callable[[Any], Any],
    rounds: int = ROUNDS,
    now_ns: Callable[[], int] = time.perf_counter_ns,
    sleep: Callable[[float], None] = time.sleep,
) -> Wait:
    """Time calls and the conversions after them, in turn at once and after a rest as long as ten calls."""
    to_numpy(call())  # the first call compiles
    began_ns = now_ns()
    to_numpy(call())
    whole_s = (now_ns() - began_ns) / 1e9
    calls: list[int] = []
    conversions: dict[bool, list[int]] = {False: [], True: []}
    for _ in range(rounds):
        for rest in (False, True):
            began_ns = now_ns()
            result = call()
            returned_ns = now_ns()
            if rest:
                sleep(10 * whole_s)
            looked_ns = now_ns()
            to_numpy(result)
            conversions[rest].append(now_ns() - looked_ns)
            calls.append(returned_ns - began_ns)
    at_once, rested = (float(statistics.median(conversions[rest])) for rest in (False, True))
    return Wait(float(statistics.median(calls)), at_once, rested)


@contextlib.contextmanager
def unfenced(implementation: Implementation) -> Iterator[None]:
    """Have its calls return without waiting, for a while."""
    implementation.wait = lambda result: result  # type: ignore[method-assign]
    try:
        yield
    finally:
        del implementation.wait  # its class's is there again


def deferred() -> type[Implementation]:
    """An implementation that is unfenced on purpose: it hands the work to a thread and returns without waiting."""
    from samegrad.impls.on_numpy.manual import NumpyManual

    class Deferred(NumpyManual):
        def prepare(self, task: Task) -> None:
            super().prepare(task)
            self.executor = ThreadPoolExecutor(1)

        def value_and_grad(self) -> Any:
            return self.executor.submit(super().value_and_grad)

        def to_numpy(self, result: Any) -> Any:
            return result.result()

    return Deferred


def check(name: str, batch: int = BATCH, rounds: int = ROUNDS) -> dict[str, Any]:
    """Observe an implementation's value_and_grad with its fence and without. Raises Unavailable."""
    implementation = deferred()() if name == DEFERRED else get_entry(name).load()()
    problem = get_problem("xor")
    implementation.prepare(Task(problem, problem.parameters(), batch))
    fenced = observe(implementation.value_and_grad, implementation.to_numpy, rounds)
    with unfenced(implementation):
        bare = observe(implementation.value_and_grad, implementation.to_numpy, rounds)
    return {"fenced": asdict(fenced), "unfenced": asdict(bare)}


def observed(name: str) -> dict[str, Any]:
    """`check`, in a process that does nothing else."""
    gc.collect()
    gc.freeze()
    return check(name)
