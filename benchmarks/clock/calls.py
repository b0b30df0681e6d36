"""The calls: for each pass in each of its variants the callable that is timed, and how its result is checked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from benchmarks.clock.case import HOST, LEARNING_RATE, LOOP_STEPS, OPTIMIZERS, PIPELINED, Case
from benchmarks.results import passes
from impls.checking.agreement import Agreement, Disagreement, Reference
from impls.devices import is_on
from impls.implementation import LOOP, Implementation
from impls.numpy_manual import NumpyManual
from impls.parameters import Layer, Parameters, rounded, tensors
from impls.problem import TF32, Problem, storage


@dataclass(frozen=True)
class Asked:
    """What to build: a case, and the numbers to build it with."""

    implementation: str
    problem: Problem
    parameters: Parameters
    pass_name: str
    batch: int
    dtype: str
    device: str
    seed: int

    @property
    def case(self) -> Case:
        return Case(self.problem.name, self.pass_name, self.batch, self.dtype, self.device)

    def prepare(self, implementation: Implementation) -> None:
        implementation.allow_tf32(self.dtype == TF32, self.device)
        dtype = storage(self.dtype)
        implementation.prepare(self.problem, self.parameters, self.batch, dtype, self.device, self.seed)


class PassCall:
    """A pass as the implementation has it. To build one is to prepare the implementation."""

    begin: Callable[[], Any] | None = None
    """Before each block, untimed."""

    run: Callable[[], Any]
    """Timed; the first call may compile."""

    finish: Callable[[], Any] | None = None
    """Timed with the calls that it follows, where they return before their results are ready."""

    def __init__(self, implementation: Implementation, asked: Asked) -> None:
        self.implementation, self.asked = implementation, asked
        self.pass_name, _ = passes.split(asked.pass_name)
        self.prepare()
        self.bind()

    def prepare(self) -> None:
        self.asked.prepare(self.implementation)

    def bind(self) -> None:
        """Set `run`, and `finish` if need be."""
        run = getattr(self.implementation, self.pass_name)
        self.run = partial(run, LEARNING_RATE) if self.pass_name == "train_step" else run

    def agreements(self, result: Any, reference: Reference) -> list[Agreement]:
        """The first call's result, held against the reference. Raises Disagreement where that is not all there is."""
        self.require_place(result)
        found = self.implementation.to_numpy(result)
        return reference.agree(self.pass_name, found, learning_rate=LEARNING_RATE)

    def require_place(self, result: Any) -> None:
        """Raise Disagreement where the first call's result does not lie on the device that was asked for."""
        found = self.implementation.device_of(result)
        if not is_on(found, self.asked.device):
            raise Disagreement(
                f"{self.asked.implementation} disagrees at {self.asked.case.group}: its result lies on {found}, "
                f"but should lie on {self.asked.device}"
            )

    def on_device(self) -> dict[str, float]:
        """What an accelerator tells of the calls: the most memory held, and their time by its own clock."""
        if self.asked.device == "cpu":
            return {}
        memory_bytes = self.implementation.device_memory_bytes()
        times_ns = [self.implementation.device_ns(self.run) for _ in range(DEVICE_CALLS)]
        if self.finish:
            self.finish()
        told: dict[str, float] = {} if memory_bytes is None else {"device_memory_bytes": memory_bytes}
        if known_ns := [time_ns for time_ns in times_ns if time_ns is not None]:
            told["device_ns"] = float(np.median(known_ns)) / self.asked.case.steps_per_call
        return told


DEVICE_CALLS = 11
"""Timed by the accelerator's own clock, for their median."""


class HostCall(PassCall):
    """A pass with the host at both ends: NumPy arrays are handed in, and the result is fetched as NumPy arrays."""

    def prepare(self) -> None:
        """With rows of zeros: what is right in the end can only have been computed from the rows that are fed."""
        problem = self.asked.problem
        inputs, *_, outputs = problem.sizes
        blank = replace(problem, rows=lambda batch, seed: (np.zeros((batch, inputs)), np.zeros((batch, outputs))))
        replace(self.asked, problem=blank).prepare(self.implementation)

    def bind(self) -> None:
        super().bind()
        feed, self.inner, to_numpy = self.implementation.feed, self.run, self.implementation.to_numpy
        self.implementation.wait = _at_once  # type: ignore[method-assign]  # to fetch is to wait
        x, y = self.asked.problem.data(self.asked.batch, self.asked.seed, storage(self.asked.dtype))
        rows, inner = (x,) if self.pass_name == "forward" else (x, y), self.inner

        def run() -> Any:
            feed(*rows)
            return to_numpy(inner())

        self.run = run

    def agreements(self, result: Any, reference: Reference) -> list[Agreement]:
        self.require_place(self.inner())
        return reference.agree(self.pass_name, result, learning_rate=LEARNING_RATE)


def _at_once(result: Any) -> Any:
    """What there is to wait for where somebody else waits."""
    return result


class PipelinedCall(PassCall):
    """A pass that does not wait; `finish` waits for the results of all calls since the last.

    Where a framework computes before it returns, on most CPUs, there is nothing to overlap: the time is its latency.
    """

    def bind(self) -> None:
        super().bind()
        self.pending: list[Any] = []
        self.wait = self.implementation.wait
        self.implementation.wait = self._enqueue  # type: ignore[method-assign]
        self.finish = self._finish

    def _enqueue(self, result: Any) -> Any:
        self.pending.append(result)
        return result

    def _finish(self) -> None:
        self.wait(self.pending)
        self.pending.clear()


class LoopCall(PassCall):
    """A hundred training steps in one call."""

    def bind(self) -> None:
        self.run = partial(self.implementation.train_loop, LEARNING_RATE, LOOP_STEPS)

    def agreements(self, result: Any, reference: Reference) -> list[Agreement]:
        """Those of a loop of a single step; before them, that the loop timed has made its 100.

        What a rounding at each step has grown to after a hundred has no derived bound; but a step too many or too few
        moves the parameters by one whole step, so that half of the last one, by the manual pass in float64, tells right
        from wrong.
        """
        self.require_place(result)
        self._require_steps(tensors(self.implementation.to_numpy(result)[1]))
        self.asked.prepare(self.implementation)
        found = self.implementation.to_numpy(self.implementation.train_loop(LEARNING_RATE, 1))
        return reference.agree("train_step", found, learning_rate=LEARNING_RATE)

    def _require_steps(self, found: dict[str, Any]) -> None:
        asked, counted = self.asked, NumpyManual()
        start = [Layer(W.copy(), b.copy()) for W, b in rounded(asked.parameters, storage(asked.dtype))]
        counted.prepare(asked.problem, start, asked.batch, "float64", seed=asked.seed)
        before = tensors(counted.to_numpy(counted.train_loop(LEARNING_RATE, LOOP_STEPS - 1))[1])
        after = tensors(counted.to_numpy(counted.train_step(LEARNING_RATE))[1])
        half = max(np.abs(after[name] - before[name]).max() for name in after) / 2
        for name, expected in after.items():
            distance = np.abs(found[name] - expected)
            if not distance.max() <= half:
                index = np.unravel_index(np.argmax(distance), distance.shape)
                raise Disagreement(
                    f"{asked.implementation} disagrees at {asked.case.group}: after {LOOP_STEPS} steps "
                    f"{name}{list(map(int, index))} is {found[name][index]:.9g}, but should be {expected[index]:.9g} "
                    f"(tolerance {half:.2g}, half a step)"
                )


CALLS: dict[str, type[PassCall]] = {HOST: HostCall, PIPELINED: PipelinedCall}
"""The call of each variant, by its name; an optimizer's is in `optimizer_call.py`."""


def build(implementation: Implementation, asked: Asked) -> PassCall:
    """The call of a pass in its variant. Raises what `prepare` raises, and Unavailable where it lacks that variant."""
    name, variant = passes.split(asked.pass_name)
    if variant in OPTIMIZERS:
        from benchmarks.clock.optimizer_call import OptimizerCall

        return OptimizerCall(implementation, asked)
    if variant:
        return CALLS[variant](implementation, asked)
    return (LoopCall if name == LOOP else PassCall)(implementation, asked)
