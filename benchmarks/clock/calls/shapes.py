"""The call of `value_and_grad:shapes`: input from the host, whose batch changes from call to call.

The batches are n, n + 1, …, n + 7, and again from the first: eight shapes, which a call compiled for the shapes of its
arguments compiles eight times, and an eager one not at all. Beside `value_and_grad:host`, at a batch of n, the time
shows what it costs to find the right one again; the compilations, all in the first cycle, are counted.
"""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

from samegrad.benchmarks.clock.calls.host import HostCall
from samegrad.impls.checking.agreement import Agreement, Reference
from samegrad.impls.errors import Unavailable
from samegrad.impls.task import Task

CYCLE = 8
"""The number of different batches in a cycle."""


class ShapesCall(HostCall):
    """A pass over the first n rows, then over the first n + 1, …"""

    def prepare(self, task: Task) -> None:
        if not self.implementation.takes_any_batch:
            raise Unavailable(
                f"{self.asked.implementation} works in arrays made for one batch, and takes no other from call to call"
            )
        super().prepare(task)

    def bind(self) -> None:
        super().bind()
        task = self.asked.task
        x, y = replace(task, batch=task.batch + CYCLE - 1).data()
        self.rows = x[: task.batch], y[: task.batch]
        self.batches = [(x[:rows], y[:rows]) for rows in range(task.batch, task.batch + CYCLE)]
        self.turns = itertools.cycle(self.batches)
        feed, inner, to_numpy = self.implementation.feed, self.inner, self.implementation.to_numpy
        self.compiled_before = self.implementation.compilations()

        def run() -> Any:
            feed(*next(self.turns))
            return to_numpy(inner())

        self.run = run

    def once(self) -> Any:
        """The result for the first of the batches: for the rows that the gate feeds."""
        self.turns = itertools.cycle(self.batches)
        return super().once()

    def agreements(self, result: Any, reference: Reference) -> list[Agreement]:
        """The worst agreement of each tensor over all eight batches, the first of which was called before."""
        by_batch = [self.compare(self.numbers(result), reference)]
        for x, _ in self.batches[1:]:
            numbers = self.numbers(self.run())
            by_batch.append(self.compare(numbers, Reference.of(replace(self.task, batch=len(x)))))
        self.compilations = self.implementation.compilations() - self.compiled_before
        self.require_place(self.inner())
        return [max(of_tensor, key=lambda agreement: agreement.tau) for of_tensor in zip(*by_batch, strict=True)]
