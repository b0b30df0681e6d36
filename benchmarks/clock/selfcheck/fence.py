"""Does a call wait for its result? Tried on one implementation in a process of its own, with its fence and without.

The detector is that of the contract's tests, `impls/checking/readiness.py`. The same implementation without its fence
is made by taking its `wait` away for a while.
"""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from samegrad.impls.checking.readiness import not_ready
from samegrad.impls.implementation import Implementation
from samegrad.impls.problem import get_problem
from samegrad.impls.registry import get_entry
from samegrad.impls.task import Task

DEFERRED = "(left unfenced)"
BATCH = 65536
"""Rows in a call: enough that the arithmetic, which may be left undone, is most of it."""


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


def check(name: str, batch: int = BATCH) -> dict[str, bool]:
    """Whether value_and_grad waits for its result, with the fence and without. Raises Unavailable."""
    implementation = deferred()() if name == DEFERRED else get_entry(name).load()()
    problem = get_problem("xor")
    implementation.prepare(Task(problem, problem.parameters(), batch))
    fenced = not not_ready(implementation.value_and_grad, implementation.to_numpy)
    with unfenced(implementation):
        bare = not not_ready(implementation.value_and_grad, implementation.to_numpy)
    return {"fenced": fenced, "unfenced": bare}


def observed(name: str) -> dict[str, bool]:
    """The result of `check`, in a process that does nothing else."""
    gc.collect()
    gc.freeze()
    return check(name)
