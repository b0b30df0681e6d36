"""The call of `train_loop`: a hundred training steps."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from samegrad.benchmarks.clock.calls.base import PassCall
from samegrad.benchmarks.clock.case import LOOP_STEPS
from samegrad.impls.checking.agreement import Agreement, Disagreement, Reference
from samegrad.impls.on_numpy.manual import NumpyManual
from samegrad.impls.on_numpy.networks import NumpyNetworks
from samegrad.impls.parameters import tensors


class LoopCall(PassCall):
    """A hundred training steps in one call."""

    def bind(self) -> None:
        self.run = partial(self.implementation.train_loop, self.rate, LOOP_STEPS)

    def agreements(self, result: Any, reference: Reference) -> list[Agreement]:
        """The agreements of a loop of one step, after a check that the timed loop made its 100.

        What a rounding at each step has grown to after a hundred has no derived bound; but a step too many or too few
        moves the parameters by one whole step, so that half of the last one, by the manual pass in float64, tells right
        from wrong.
        """
        self.require_place(result)
        self._require_steps(tensors(self.numbers(result)[1]))
        self.prepare(self.task)
        return self.compare(self.numbers(self.step()), reference)

    def step(self) -> Any:
        return self.implementation.train_loop(self.rate, 1)

    def compare(self, numbers: Any, reference: Reference) -> list[Agreement]:
        return reference.agree("train_step", numbers, self.rate)

    def _require_steps(self, ours: dict[str, Any]) -> None:
        asked, counted = self.asked, NumpyManual() if self.task.networks is None else NumpyNetworks()
        counted.prepare(replace(asked.task, parameters=asked.task.layers(), dtype="float64", device="cpu"))
        before = tensors(counted.to_numpy(counted.train_loop(self.rate, LOOP_STEPS - 1))[1])
        after = tensors(counted.to_numpy(counted.train_step(self.rate))[1])
        half = max(np.abs(after[name] - before[name]).max() for name in after) / 2
        for name, expected in after.items():
            distance = np.abs(ours[name] - expected)
            if not distance.max() <= half:
                index = np.unravel_index(np.argmax(distance), distance.shape)
                raise Disagreement(
                    f"{asked.implementation} disagrees at {asked.case.group}: after {LOOP_STEPS} steps "
                    f"{name}{list(map(int, index))} is {ours[name][index]:.9g}, but should be {expected[index]:.9g} "
                    f"(tolerance {half:.2g}, half a step)"
                )
