"""A framework as training uses it: take a step on a minibatch with its own autodiff and its own optimizer; predict.

Beside the class, each `…_trainer` module has

    own(settings, shipped)                                 the framework's optimizer, aligned with the textbook or stock
    follow(settings, start, gradients, rates, shipped)     open loop: where that optimizer goes on given gradients
    departures(settings, dtype)                            what its stock optimizer does otherwise: a list of Departure

Aligned means: configured, or minimally subclassed, to be the textbook's function (`optimizers.py`).
"""

from __future__ import annotations

import fnmatch
import importlib
from abc import ABC, abstractmethod
from collections.abc import Collection
from dataclasses import dataclass
from types import ModuleType
from typing import Any, NamedTuple

from samegrad.impls.errors import BadInput, Unavailable, choose
from samegrad.impls.implementation import Implementation
from samegrad.impls.learning.optimizers import Settings
from samegrad.impls.parameters import Array, Parameters
from samegrad.impls.registry import REGISTRY, get_entry
from samegrad.impls.task import Task

TRAINERS = {
    "numpy": "samegrad.impls.learning.numpy_trainer",
    "keras-xla": "samegrad.impls.learning.keras_trainer",
    "torch-eager": "samegrad.impls.learning.torch_trainer",
    "jax-jit": "samegrad.impls.learning.jax_trainer",
}
"""Module by implementation: one per framework, in the execution that the registry names."""


class Departure(NamedTuple):
    """One convention in which a stock optimizer differs from the textbook, as fields of `Conventions`."""

    reason: str
    conventions: dict[str, Any]


@dataclass(frozen=True)
class Setup:
    """A training: the problem, the start and the options."""

    task: Task
    settings: Settings
    biases: bool = True
    """Whether biases are trained; otherwise they stay as they are, at 0."""
    shipped: bool = False
    """Whether the optimizer has the framework's own conventions instead of the textbook's."""


class Trainer(ABC):
    """One framework's network and optimizer, on the CPU. Arrays come in NumPy, in the trainer's dtype."""

    @abstractmethod
    def __init__(self, setup: Setup) -> None:
        """Be ready to train."""

    @abstractmethod
    def place(self, x: Array, y: Array) -> tuple[Any, Any]:
        """A minibatch x: (rows, inputs), y: (rows, outputs) as `step` takes it: the framework's own arrays."""

    @abstractmethod
    def step(self, x: Any, y: Any) -> Any:
        """One step of the optimizer on a minibatch from `place`: the loss before it, in the framework's own scalar.

        It returns when the new parameters are ready.
        """

    @abstractmethod
    def restart(self) -> None:
        """Go back to the first parameters, and to an optimizer that has seen nothing."""

    @abstractmethod
    def predict(self, x: Array) -> Array:
        """Predictions (rows, outputs), in NumPy."""

    @abstractmethod
    def parameters(self) -> Parameters:
        """The present parameters, in NumPy and the canonical layout."""


def load(implementation: str, threads: int = 1) -> ModuleType:
    """The `…_trainer` module of that implementation, its framework limited to a number of threads.

    To be called in the process that owns the framework. Raises Unavailable where it is not installed.
    """
    get_entry(implementation).load().set_threads(threads)
    return importlib.import_module(TRAINERS[implementation])


def trainer_of(implementation: type[Implementation]) -> type[Trainer]:
    """The trainer of the same framework in the same execution, in a process that has it. Raises Unavailable."""
    named = {entry.target: entry.name for entry in REGISTRY.values()}
    targets = (f"{kind.__module__}:{kind.__qualname__}" for kind in implementation.__mro__)
    name = next((named[target] for target in targets if target in named), implementation.__qualname__)
    if name not in TRAINERS:
        raise Unavailable(f"{name} has no optimizer beside plain gradient descent; {', '.join(TRAINERS)} have")
    return importlib.import_module(TRAINERS[name]).TRAINER


def select(patterns: str, trainers: Collection[str] = tuple(TRAINERS)) -> list[str]:
    """The implementations that train, of those that comma-separated names or patterns (or `all`) mean.

    A framework's name means its trainer. Raises BadInput for a pattern that matches none.
    """
    wanted: set[str] = set()
    for pattern in filter(None, (part.strip() for part in patterns.split(","))):
        by_framework = [name for name in trainers if get_entry(name).framework == pattern]
        matches = list(trainers) if pattern == "all" else fnmatch.filter(trainers, pattern) or by_framework
        if not matches:
            choose("implementation that trains", pattern, trainers)
        wanted.update(matches)
    if not wanted:
        raise BadInput(f"name at least one implementation that trains: {', '.join(trainers)}")
    return [name for name in trainers if name in wanted]
