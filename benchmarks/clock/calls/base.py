"""A pass as it is timed: the callable, and how its result is checked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from samegrad.benchmarks.clock.case import Case, learning_rate
from samegrad.benchmarks.results import passes
from samegrad.impls.checking.agreement import Agreement, Disagreement, Reference
from samegrad.impls.checking.subject import Subject
from samegrad.impls.devices import is_on
from samegrad.impls.errors import Unavailable
from samegrad.impls.implementation import Implementation
from samegrad.impls.problem import TF32, storage
from samegrad.impls.registry import OF_NETWORKS
from samegrad.impls.task import Task


@dataclass(frozen=True)
class CallRequest:
    """What to build: a pass of an implementation at a task."""

    implementation: str
    pass_name: str
    task: Task

    @property
    def case(self) -> Case:
        task = self.task
        return Case(task.problem.name, self.pass_name, task.batch, task.dtype, task.device, networks=task.networks or 1)

    def prepare(self, implementation: Implementation) -> None:
        """Prepare it; in TF32 the arrays are float32. Raises Unavailable also where it has no axis for networks."""
        if self.task.networks is not None and not implementation.takes_networks:
            raise Unavailable(
                f"{self.implementation} computes one network at a time; several at once: {', '.join(OF_NETWORKS)}"
            )
        implementation.allow_tf32(self.task.dtype == TF32, self.task.device)
        implementation.prepare(replace(self.task, dtype=storage(self.task.dtype)))


class PassCall(Subject):
    """A pass as the implementation has it. To build one is to prepare the implementation."""

    begin: Callable[[], Any] | None = None
    """Called before each block, untimed."""
    compilations: int | None = None
    """How often the first calls were traced or compiled, where that is counted."""

    def __init__(self, implementation: Implementation, asked: CallRequest) -> None:
        self.implementation, self.asked, self.task = implementation, asked, asked.task
        self.pass_name, _ = passes.split(asked.pass_name)
        self.rate = learning_rate(self.task.problem)
        self.prepare(self.task)
        self.bind()

    def prepare(self, task: Task) -> None:
        replace(self.asked, task=task).prepare(self.implementation)

    def bind(self) -> None:
        """Set `run`, and `finish` (timed with the calls that it follows) if need be. The first call may compile."""
        run = getattr(self.implementation, self.pass_name)
        self.run = partial(run, self.rate) if self.pass_name == "train_step" else run

    def agreements(self, result: Any, reference: Reference) -> list[Agreement]:
        """The first call's result, compared with the reference. Raises Disagreement where it differs."""
        self.require_place(result)
        return self.compare(self.numbers(result), reference)

    def require_place(self, result: Any) -> None:
        """Raise Disagreement where the first call's result does not lie on the device that was asked for."""
        place = self.implementation.device_of(result)
        if not is_on(place, self.asked.task.device):
            raise Disagreement(
                f"{self.asked.implementation} disagrees at {self.asked.case.group}: its result lies on {place}, "
                f"but should lie on {self.asked.task.device}"
            )

    def on_device(self) -> dict[str, float]:
        """What an accelerator reports of the calls: the most memory in use, and their time by its own clock."""
        if self.asked.task.device == "cpu":
            return {}
        memory_bytes = self.implementation.device_memory_bytes()
        times_ns = [self.implementation.device_ns(self.run) for _ in range(DEVICE_CALLS)]
        if self.finish:
            self.finish()
        figures: dict[str, float] = {} if memory_bytes is None else {"device_memory_bytes": memory_bytes}
        if known_ns := [time_ns for time_ns in times_ns if time_ns is not None]:
            figures["device_ns"] = float(np.median(known_ns)) / self.asked.case.steps_per_call
        return figures


DEVICE_CALLS = 11
"""Timed by the accelerator's own clock, for their median."""
