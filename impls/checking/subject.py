"""What the gate checks, one pass of an implementation at a task, and how a finding is raised."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import deepcopy
from typing import Any

import numpy as np

from samegrad.impls.checking.agreement import Agreement, Reference
from samegrad.impls.implementation import Implementation
from samegrad.impls.parameters import Array, Parameters, tensors
from samegrad.impls.task import Task


class Broken(Exception):
    """A clause of the contract that does not hold, and a sentence that says what was done instead.

    `by_time`: whether that is judged by times, which other processes can disturb, and not by numbers.
    """

    def __init__(self, clause: str, sentence: str, by_time: bool = False) -> None:
        super().__init__(sentence)
        self.clause, self.by_time = clause, by_time


class Subject:
    """One pass of an implementation at a task: the callable that is timed, and all that is needed to examine it."""

    implementation: Implementation
    task: Task
    pass_name: str
    run: Callable[[], Any]
    """The callable that is timed."""
    finish: Callable[[], Any] | None = None
    """What waits for the results, where calls return before they are ready, as they are meant to."""
    rate: float
    is_descent = True
    """Whether a step is p − rate · ∂L/∂p, as it is but for the optimizers."""

    def prepare(self, task: Task) -> None:
        """Prepare the implementation anew, for this task."""
        raise NotImplementedError

    @property
    def trains(self) -> bool:
        return self.pass_name not in ("forward", "value_and_grad")

    def once(self) -> Any:
        """The result of one call."""
        result = self.run()
        if self.finish:
            self.finish()
        return result

    def step(self) -> Any:
        """The result of one call, or of a single step where the call takes several."""
        return self.once()

    def start_from(self, parameters: Parameters) -> Parameters:
        """The parameters that the next call starts from: these, or those after a step that was taken to know them."""
        return self.after(self.numbers(self.step()), parameters) if self.trains else parameters

    def after(self, numbers: Any, before: Parameters) -> Parameters:
        """The parameters that the call after one that returned these numbers starts from."""
        return numbers[1] if self.trains else before

    def numbers(self, result: Any) -> Any:
        """The result in NumPy, in arrays of its own."""
        return deepcopy(self.implementation.to_numpy(result))

    def feed(self, x: Array, y: Array) -> None:
        """Feed other rows for the calls that follow. Raises Unavailable."""
        self.implementation.feed(x, y)

    def compare(self, numbers: Any, reference: Reference) -> list[Agreement]:
        """The agreements of these numbers with the truth."""
        return reference.agree(self.pass_name, numbers, self.rate)


def flat(result: Any) -> list[Array]:
    """All arrays of a result: the predictions, or the loss and every tensor."""
    return [result[0], *tensors(result[1]).values()] if isinstance(result, tuple | list) else [result]


def same(some: Sequence[Array], others: Sequence[Array]) -> bool:
    """Whether two results are equal to the bit; a NaN is equal to a NaN."""
    return all(np.array_equal(one, other, equal_nan=True) for one, other in zip(some, others, strict=True))
