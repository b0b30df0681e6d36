"""Networks that are trained together, each on the whole truth table, until they are taken out one by one.

Two classes give the same three things: `losses` and `state`, those at the present parameters, and `advance`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from samegrad.impls.checking.agreement import Reference, require
from samegrad.impls.learning.optimizers import Settings, Sgd, make
from samegrad.impls.on_numpy.networks import Chunk, Passes
from samegrad.impls.parameters import Array, Layer, Parameters
from samegrad.impls.problem import Problem
from samegrad.impls.registry import get_entry
from samegrad.impls.studies.specs import OWN
from samegrad.impls.task import Task

TOGETHER = 1024
"""Networks in one array: a few hundred kilobytes, whatever the machine's caches, as a chunk's length may round."""
PROBES = 8


class NetworksState(NamedTuple):
    """Networks in NumPy, the networks last: all parameters θ (count, K), ∂L/∂θ of that shape, and losses (K,)."""

    theta: Array
    gradient: Array
    losses: Array


class Population(ABC):
    """Networks that are trained together."""

    @property
    @abstractmethod
    def state(self) -> NetworksState:
        """The present parameters, gradients and losses of the networks that are still in."""

    @abstractmethod
    def advance(self, steps: int) -> None:
        """Take so many steps."""

    @abstractmethod
    def keep(self, kept: NDArray[np.bool_]) -> None:
        """Take the others out. kept: (K,)."""


class PopulationPart:
    """Some networks in arrays of their own. The loss and the gradient are always those at θ."""

    def __init__(self, problem: Problem, theta: Array, optimizer: Sgd, state: NetworksState | None = None) -> None:
        self.theta, self.optimizer = np.ascontiguousarray(theta), optimizer
        count = theta.shape[1]
        self.x, self.y = problem.data(4, dtype=theta.dtype.name)
        self.passes = Passes(problem, 4, count, theta.dtype.name)
        self.gradient, losses = np.empty_like(self.theta), np.empty(count, theta.dtype)
        predictions = np.empty((4, 1, count), theta.dtype)
        self.chunk = Chunk(views(self.theta, problem.sizes), views(self.gradient, problem.sizes), losses, predictions)
        if state is None:
            self.passes.value_and_grad(self.chunk, self.x, self.y)
        else:
            self.gradient[...], losses[...] = state.gradient, state.losses

    def advance(self, steps: int) -> None:
        for _ in range(steps):
            self.theta[...] = self.optimizer.step(self.theta, self.gradient)
            self.passes.value_and_grad(self.chunk, self.x, self.y)


def views(theta: Array, sizes: Sequence[int]) -> Parameters:
    """θ (count, K) as layers with the networks last, W: (fan_in, fan_out, K): views."""
    layers, start = [], 0
    for fan_in, fan_out in pairwise(sizes):
        middle, end = start + fan_in * fan_out, start + (fan_in + 1) * fan_out
        layers.append(Layer(theta[start:middle].reshape(fan_in, fan_out, -1), theta[middle:end]))
        start = end
    return layers


def flat(parameters: Parameters) -> Array:
    """θ (count, K) of layers with the networks first."""
    return np.concatenate([tensor.reshape(len(tensor), -1).T for layer in parameters for tensor in layer])


class TextbookPopulation(Population):
    """`numpy-networks`' gradient, and the textbook's optimizers on θ; who is taken out costs nothing any more."""

    def __init__(self, task: Task, settings: Settings) -> None:
        self.problem, self.settings = task.problem, settings
        theta = flat(task.layers())
        self.parts = [
            PopulationPart(self.problem, theta[:, start : start + TOGETHER], make(settings))
            for start in range(0, theta.shape[1], TOGETHER)
        ]

    @property
    def state(self) -> NetworksState:
        parts = [(part.theta, part.gradient, part.chunk.loss) for part in self.parts]
        return NetworksState(*(np.concatenate(arrays, axis=-1) for arrays in zip(*parts, strict=True)))

    def advance(self, steps: int) -> None:
        for part in self.parts:
            part.advance(steps)

    def keep(self, kept: NDArray[np.bool_]) -> None:
        state = NetworksState(*(array[..., kept] for array in self.state))
        memory = {name: self._memory(name)[..., kept] for name in ("v", "m")}
        t, parts = self.parts[0].optimizer.t, []
        for start in range(0, len(state.losses), TOGETHER):
            these = slice(start, start + TOGETHER)
            optimizer = make(self.settings)
            optimizer.v, optimizer.m, optimizer.t = memory["v"][:, these], memory["m"][:, these], t
            some = NetworksState(*(array[..., these] for array in state))
            parts.append(PopulationPart(self.problem, some.theta, optimizer, some))
        self.parts = parts

    def _memory(self, name: str) -> Array:
        """One of the optimizers' states (count, K)."""
        arrays = [np.broadcast_to(getattr(part.optimizer, name), part.theta.shape) for part in self.parts]
        return np.concatenate(arrays, axis=-1, dtype=self.parts[0].theta.dtype)


class DescendingPopulation(Population):
    """Plain gradient descent by an implementation's own `train_loop`; who is taken out goes on unseen."""

    def __init__(self, task: Task, implementation: str, learning_rate: float) -> None:
        kind = get_entry(implementation).load()
        kind.set_threads(1)
        self.subject, self.rate = kind(), learning_rate
        self.subject.prepare(task)
        self.parameters = task.layers()
        self.kept = np.arange(len(self.parameters[0].b))

    @property
    def state(self) -> NetworksState:
        losses, gradients = self.subject.to_numpy(self.subject.value_and_grad())
        return NetworksState(flat(self.parameters)[:, self.kept], flat(gradients)[:, self.kept], losses[self.kept])

    def advance(self, steps: int) -> None:
        _, self.parameters = self.subject.to_numpy(self.subject.train_loop(self.rate, steps))

    def keep(self, kept: NDArray[np.bool_]) -> None:
        self.kept = self.kept[kept]


def population(task: Task, implementation: str, settings: Settings) -> Population:
    """The networks of a task, ready to be trained by that implementation and optimizer."""
    if implementation == OWN:
        return TextbookPopulation(task, settings)
    return DescendingPopulation(task, implementation, settings.learning_rate)


def require_right(task: Task, implementation: str) -> None:
    """Compare the gradient that trains with the oracle, at other parameters of the network: starts may be on a kink.

    Raises Disagreement.
    """
    probe = replace(task, parameters=task.problem.parameters(networks=PROBES))
    state = population(probe, implementation, Settings()).state
    gradients = [
        Layer(*(np.ascontiguousarray(np.moveaxis(tensor, -1, 0)) for tensor in layer))
        for layer in views(state.gradient, task.problem.sizes)
    ]
    agreements = Reference.of(probe).agree("value_and_grad", (state.losses, gradients))
    require(agreements, implementation=implementation, case=f"{task.problem.name} in {task.dtype}")
