"""The call of `train_step:adam` and its like: a step of the framework's own optimizer, aligned with the textbook.

What is timed is `Trainer.step`, which trains in `samegrad train` too. Each block starts anew from the first parameters,
so that all blocks time the same steps: without that centered RMSprop, whose v − m² rounds to less than 0 where the
gradient has become constant, ends in NaN on `xor` in float32 after some thousand steps.

The check takes two steps, since one does not see all: momentum shows in the second only, and the first of RMSprop or
Adam is nearly λ times the gradient's sign. After the first step right implementations differ by roundings; so the
second is compared with the textbook's from the parameters that the first returned. `optimizer_bound.py` derives how far
either may be from it. A gradient that is always wrong by the same factor would change nothing in RMSprop and Adam but
the weight of ε; with an ε as large as here that is seen as well.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

from samegrad.benchmarks.clock.calls.base import PassCall
from samegrad.benchmarks.results import passes
from samegrad.impls.checking.agreement import Agreement, Reference, require
from samegrad.impls.errors import Unavailable
from samegrad.impls.learning.optimizer_bound import BoundedSteps
from samegrad.impls.learning.optimizers import Settings
from samegrad.impls.learning.trainer import Setup, trainer_of
from samegrad.impls.parameters import Array, Parameters, unflatten, vector
from samegrad.impls.task import Task

EPSILON = 0.01
"""The ε of every timed optimizer. It is near the size of the gradients, so that leaving it out shows in float32 too."""


class OptimizerCall(PassCall):
    """One training step with an optimizer, by the trainer of the same framework and execution."""

    is_descent = False

    def prepare(self, task: Task) -> None:
        """Prepare the trainer. Raises Unavailable where there is none, and on another device than the CPU."""
        asked, trainer = self.asked, trainer_of(type(self.implementation))
        if task.device != "cpu":
            raise Unavailable(f"{asked.pass_name} runs on the CPU only; device {task.device!r} has train_step")
        if task.networks is not None:
            raise Unavailable(f"{asked.pass_name} trains one network at a time; several at once have train_step")
        self.settings = Settings(passes.split(asked.pass_name)[1], self.rate, epsilon=EPSILON)
        self.trainer = trainer(Setup(task, self.settings))

    def bind(self) -> None:
        self.begin = self.trainer.restart
        self.run = partial(self.trainer.step, *self.trainer.place(*self.asked.task.data()))

    def agreements(self, result: Any, reference: Reference) -> list[Agreement]:
        """The agreement of each tensor after the worse of two steps. Raises Disagreement, naming the step."""
        asked, textbook = self.asked, BoundedSteps(self.settings, self.task.dtype)
        first = self._compared(self.numbers(result), reference, textbook)
        require(first, implementation=asked.implementation, case=f"{asked.case.group}, first step")
        returned = Reference.of(replace(asked.task, parameters=self.trainer.parameters()))
        second = self._compared(self.numbers(self.run()), returned, textbook)
        require(second, implementation=asked.implementation, case=f"{asked.case.group}, second step")
        return [max(both, key=lambda agreement: agreement.tau) for both in zip(first, second, strict=True)]

    def start_from(self, parameters: Parameters) -> Parameters:
        """Go back to the first parameters: a step is known only where the optimizer has seen nothing."""
        self.trainer.restart()
        return self.task.parameters

    def after(self, numbers: Any, before: Parameters) -> Parameters:
        return self.start_from(before)

    def step(self) -> Any:
        return self.trainer.step(*self.fed)

    def feed(self, x: Array, y: Array) -> None:
        self.fed = self.trainer.place(x, y)

    def numbers(self, result: Any) -> Any:
        """The loss, and the trainer's present parameters."""
        return result, self.trainer.parameters()

    def compare(self, numbers: Any, reference: Reference) -> list[Agreement]:
        return self._compared(numbers, reference, BoundedSteps(self.settings, self.task.dtype))

    def _compared(self, numbers: Any, before: Reference, textbook: BoundedSteps) -> list[Agreement]:
        """The agreement of loss and parameters with the textbook's step from `before`."""
        after, bound = textbook.step(*map(vector, (before.parameters, before.truth.gradients, before.bounds.gradients)))
        sizes = self.asked.task.problem.sizes
        return before.agree_on(numbers, unflatten(after, sizes), unflatten(bound, sizes))
