"""A pass as it is timed: the callable, and how its result is checked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from samegrad.benchmarks.clock.case import LEARNING_RATE, Case
from samegrad.benchmarks.results import passes
from samegrad.impls.checking.agreement import Agreement, Disagreement, Reference
from samegrad.impls.checking.gate import Subject
from samegrad.impls.devices import is_on
from samegrad.impls.implementation import Implementation
from samegrad.impls.problem import TF32, storage
from samegrad.impls.task import Task


@dataclass(frozen=True)
class Asked:
    """What to build: a pass of an implementation at a task."""

    implementation: str
    pass_name: str
    task: Task

    @property
    def case(self) -> Case:
        task = self.task
        return Case(task.problem.name, self.pass_name, task.batch, task.dtype, task.device)

    def prepare(self, implementation: Implementation) -> None:
        """Prepare it; in TF32 the arrays are float32."""
        implementation.allow_tf32(self.task.dtype == TF32, self.task.device)
        implementation.prepare(replace(self.task, dtype=storage(self.task.dtype)))


class PassCall(Subject):
    """A pass as the implementation has it. To build one is to prepare the implementation."""

    rate = LEARNING_RATE

    begin: Callable[[], Any] | None = None
    """Before each block, untimed."""

    def __init__(self, implementation: Implementation, asked: Asked) -> None:
        self.implementation, self.asked, self.task = implementation, asked, asked.task
        self.pass_name, _ = passes.split(asked.pass_name)
        self.prepare(self.task)
        self.bind()

    def prepare(self, task: Task) -> None:
        replace(self.asked, task=task).prepare(self.implementation)

    def bind(self) -> None:
        """Set `run`, and `finish` (timed with the calls that it follows) if need be. The first call may compile."""
        run = getattr(self.implementation, self.pass_name)
        self.run = partial(run, LEARNING_RATE) if self.pass_name == "train_step" else run

    def agreements(self, result: Any, reference: Reference) -> list[Agreement]:
        """The first call's result, held against the reference. Raises Disagreement where that is not all there is."""
        self.require_place(result)
        return self.hold(self.numbers(result), reference)

    def require_place(self, result: Any) -> None:
        """Raise Disagreement where the first call's result does not lie on the device that was asked for."""
        found = self.implementation.device_of(result)
        if not is_on(found, self.asked.task.device):
            raise Disagreement(
                f"{self.asked.implementation} disagrees at {self.asked.case.group}: its result lies on {found}, "
                f"but should lie on {self.asked.task.device}"
            )

    def on_device(self) -> dict[str, float]:
        """What an accelerator tells of the calls: the most memory held, and their time by its own clock."""
        if self.asked.task.device == "cpu":
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
