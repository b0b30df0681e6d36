"""`torch-compile-manual`: the gradient by hand, compiled by torch.compile into one loop over the batch.

The equations are those of `on_numpy/manual.py`, with samples as columns and each product written as a multiplication
and a sum, so that the compiler can fuse everything. A call pays for every array, so that parameters and last loss are
one vector, inputs and targets are one array, and loss and gradient leave as one vector. Habits of the compiler shape
the rest:

- A float32 sum over more than 4096 elements is compiled into a cascade of partial sums, which costs more than the
  arithmetic. A large batch is therefore a matrix of rows of that length, summed along its rows and then across them.
- Its exp is slower than its exp2, so that a = 1/(1 + 2^(−z·log₂e)). Where the power overflows, a = 0.
- What it writes around the loop is Python, unless it is asked for C++ (`cpp_wrapper`).
- What torch.compile returns checks at every call that nothing has changed since compilation, down to Python's own
  `len`, and looks among what it has compiled. A pass compiled ahead of time checks its tensors and does its work.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from math import e, log2
from typing import Any

import numpy as np
import torch

from samegrad.impls.errors import Unavailable
from samegrad.impls.on_torch.shared import OnTorch, require_compiled_code
from samegrad.impls.parameters import Array, paired
from samegrad.impls.task import Task

LENGTH = 4096
"""The number of samples in a row of a large batch."""


WIDEST = 16
"""The most units in a layer: the terms that are written out, and the time to compile them, grow with its square."""


@dataclass(frozen=True)
class InductorNetwork:
    """The passes as functions of a state [last loss, W1, b1, W2, …] and of samples (inputs + outputs, rows, length)."""

    sizes: tuple[int, ...]
    activations: tuple[str, ...]

    def activate(self, parameters: Sequence[torch.Tensor], x: torch.Tensor) -> list[list[torch.Tensor]]:
        """x and the activations of all layers: for each a list of units, each (rows, length)."""
        activations = [list(x)]
        for W, b, activation in zip(parameters[0::2], parameters[1::2], self.activations, strict=True):
            inputs = activations[-1]
            sums = [sum(W[i, j] * a for i, a in enumerate(inputs)) + b[j] for j in range(len(b))]
            activations.append([1 / (1 + torch.exp2(z * -log2(e))) if activation == "sigmoid" else z for z in sums])
        return activations

    def predict(self, parameters: Sequence[torch.Tensor], x: torch.Tensor) -> torch.Tensor:
        """Predictions (outputs, rows, length)."""
        return torch.stack(self.activate(parameters, x)[-1])

    def sums(self, parameters: Sequence[torch.Tensor], x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """[Σe², Σ aδᵀ, Σ δ, …] over the samples, in the order of the parameters."""
        *inputs, outputs = self.activate(parameters, x)
        errors = [a - target for a, target in zip(outputs, y, strict=True)]
        deltas = [error * slope(self.activations[-1], a) for error, a in zip(errors, outputs, strict=True)]
        sums: list[torch.Tensor] = []
        for layer in reversed(range(len(inputs))):
            products = [a * delta for a in inputs[layer] for delta in deltas]
            sums = [*(one.sum(-1) for one in [*products, *deltas]), *sums]
            if layer > 0:
                W = parameters[2 * layer]
                deltas = [
                    sum(W[i, j] * delta for j, delta in enumerate(deltas)) * slope(self.activations[layer - 1], a)
                    for i, a in enumerate(inputs[layer])
                ]
        return torch.stack([sum(error * error for error in errors).sum(-1), *sums]).sum(-1)

    def evaluate(self, state: torch.Tensor, *samples: torch.Tensor) -> torch.Tensor:
        """[loss, gradient] over all samples, given as whole rows and what is left."""
        parameters, inputs = self.split(state), self.sizes[0]
        size = sum(part[inputs:].numel() for part in samples)
        total = sum(self.sums(parameters, part[:inputs], part[inputs:]) for part in samples)
        return torch.cat([total[:1] / size, total[1:] * (2 / size)])

    def split(self, vector: Any) -> list[Any]:
        """The vector's stretches as W1: (fan_in, fan_out), b1: (fan_out,), W2, …; its first element is the loss."""
        tensors, start = [], 1
        for fan_in, fan_out in zip(self.sizes, self.sizes[1:], strict=False):
            middle = start + fan_in * fan_out
            tensors += [vector[start:middle].reshape(fan_in, fan_out), vector[middle : middle + fan_out]]
            start = middle + fan_out
        return tensors

    def descend(self, state: torch.Tensor, rate: torch.Tensor, *samples: torch.Tensor) -> torch.Tensor:
        """The state one step further on."""
        evaluation = self.evaluate(state, *samples)
        return torch.cat([evaluation[:1], state[1:] - rate * evaluation[1:]])

    def forward(self, state: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        """The predictions of a state, by `predict`."""
        return self.predict(self.split(state), x)


def slope(activation: str, a: torch.Tensor) -> torch.Tensor | float:
    """f′(z) as a function of a = f(z)."""
    return a - a * a if activation == "sigmoid" else 1.0


class Compiled:
    """A pass, compiled at its first call for tensors like those of that call."""

    def __init__(self, function: Callable[..., torch.Tensor], device: str) -> None:
        self.function, self.device = function, device
        self.code: Any = None

    def __call__(self, *tensors: torch.Tensor) -> torch.Tensor:
        if self.code is None:
            options = {"cpp_wrapper": self.device == "cpu"}
            code = torch.compile(
                lambda *tensors: self.function(*tensors), fullgraph=True, dynamic=False, options=options
            )
            self.code = code.aot_compile((tensors, {})) if hasattr(code, "aot_compile") else code  # older PyTorch
        return self.code(*tensors)


@cache
def compiled(network: InductorNetwork, batch: int, dtype: str, device: str) -> tuple[Compiled, ...]:
    """The passes for so many samples of that dtype on that device."""
    require_compiled_code()
    return tuple(Compiled(one, device) for one in (network.forward, network.evaluate, network.descend))


class TorchCompileManual(OnTorch):
    """Hand-derived passes under torch.compile, parameters and results as one vector."""

    def prepare(self, task: Task) -> None:
        problem = task.problem
        if set(problem.activations) - {"sigmoid", "identity"}:
            raise Unavailable(f"torch-compile-manual is written for sigmoid and identity, not for {problem.name!r}")
        if max(problem.sizes) > WIDEST:
            raise Unavailable(
                f"torch-compile-manual writes out every unit, {WIDEST} a layer at most, which {problem.name!r} exceeds"
            )
        kind = self.place(task.dtype, task.device)
        self.feed(*task.data())
        flat = [torch.zeros(1), *(torch.tensor(tensor).ravel() for layer in task.parameters for tensor in layer)]
        self.state = torch.cat(flat).to(**kind)
        self.rate, self.learning_rate = torch.zeros(1, **kind), 0.0  # aot_compile fails on a scalar
        self.network = InductorNetwork(problem.sizes, problem.activations)
        self._forward, self._evaluate, self._descend = compiled(self.network, task.batch, task.dtype, task.device)

    def feed(self, x: Array, y: Array | None = None) -> None:
        """Take the samples as columns; for the gradient, inputs and targets as one array, in whole rows and a rest."""
        self.x = torch.from_numpy(x.T).contiguous().to(self.device)[:, None, :]
        if y is not None:
            samples = torch.from_numpy(np.concatenate([x.T, y.T])).to(self.device)
            whole, rest = samples.tensor_split([len(x) // LENGTH * LENGTH], dim=1)
            parts = (whole.reshape(len(samples), -1, LENGTH), rest[:, None, :])
            self.samples = [part.contiguous() for part in parts if part.numel()]

    def forward(self) -> torch.Tensor:
        return self.wait(self._forward(self.state, self.x))

    def value_and_grad(self) -> torch.Tensor:
        return self.wait(self._evaluate(self.state, *self.samples))

    def train_step(self, learning_rate: float) -> torch.Tensor:
        if learning_rate != self.learning_rate:
            self.rate.fill_(learning_rate)
            self.learning_rate = learning_rate
        self.state = self._descend(self.state, self.rate, *self.samples)
        return self.wait(self.state)

    def to_numpy(self, result: torch.Tensor) -> Any:
        array = result.cpu().numpy()
        if array.ndim == 3:
            return array[:, 0].T.copy()
        return array[0].copy(), paired([tensor.copy() for tensor in self.network.split(array)])
