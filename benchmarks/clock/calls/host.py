"""The call of `value_and_grad:host` and its like: NumPy arrays in, NumPy arrays out."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from typing import Any

import numpy as np

from samegrad.benchmarks.clock.calls.base import PassCall
from samegrad.impls.checking.agreement import Agreement, Reference
from samegrad.impls.parameters import Array
from samegrad.impls.task import Task


class HostCall(PassCall):
    """A pass with the host at both ends: NumPy arrays are handed in, and the result is fetched as NumPy arrays."""

    def prepare(self, task: Task) -> None:
        """Prepare with rows of zeros, so that a right result can only come from the rows that are fed."""
        inputs, *_, outputs = task.problem.sizes
        blank = replace(task.problem, rows=lambda batch, seed: (np.zeros((batch, inputs)), np.zeros((batch, outputs))))
        super().prepare(replace(task, problem=blank))

    def bind(self) -> None:
        super().bind()
        feed, self.inner, to_numpy = self.implementation.feed, self.run, self.implementation.to_numpy
        self.implementation.wait = _at_once  # type: ignore[method-assign]  # to fetch is to wait
        self.rows = x, y = self.asked.task.data()
        rows, inner = (x,) if self.pass_name == "forward" else (x, y), self.inner

        def run() -> Any:
            feed(*rows)
            return to_numpy(inner())

        self.run = run

    def agreements(self, result: Any, reference: Reference) -> list[Agreement]:
        self.require_place(self.inner())
        return self.compare(self.numbers(result), reference)

    def numbers(self, result: Any) -> Any:
        return deepcopy(result)

    def feed(self, x: Array, y: Array) -> None:
        """What the next call will feed, in the arrays that it always feeds."""
        for own, other in zip(self.rows, (x, y), strict=True):
            np.copyto(own, other)


def _at_once(result: Any) -> Any:
    """Return the result as it is: the caller waits for it."""
    return result
