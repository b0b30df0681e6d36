"""NumPy: the passes of `numpy`, and the textbook's optimizers over one vector θ of all parameters.

Beside the trainer there is backpropagation once more, in functions of θ that take any dtype, the machine's extended
precision included, and any leading axes: θ: (runs, count) trains `runs` networks at once, each on the same rows. They
make the reference (`shadows.py`), whose gradients are so no implementation's own:

    zℓ = aℓ₋₁Wℓ + bℓ                   aℓ = f(zℓ)
    δₘ = 2/(n·k)·(aₘ − y) ∘ f′(zₘ)     δℓ = δℓ₊₁Wℓ₊₁ᵀ ∘ f′(zℓ)
    ∂L/∂Wℓ = aℓ₋₁ᵀδℓ                   ∂L/∂bℓ = 1ᵀδℓ
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from samegrad.impls.learning import optimizers
from samegrad.impls.learning.optimizers import Settings
from samegrad.impls.learning.trainer import Departure, Setup, Trainer
from samegrad.impls.on_numpy.manual import NumpyManual
from samegrad.impls.parameters import Array, Layer, Parameters, unflatten, vector
from samegrad.impls.problem import Problem


def activate(name: str, z: Array) -> tuple[Array, Array]:
    """f(z) and f′(z)."""
    match name:
        case "sigmoid":
            t = np.exp(-abs(z))  # never overflows
            a = np.where(z >= 0, 1, t) / (1 + t)
            return a, t / (1 + t) ** 2
        case "tanh":
            a = np.tanh(z)
            return a, 1 - a**2
        case "relu":
            return np.maximum(z, 0), (z > 0).astype(z.dtype)
        case _:
            return z, np.ones_like(z)


def predict(theta: Array, problem: Problem, x: Array) -> Array:
    """Predictions (…, rows, outputs) of the networks θ: (…, count)."""
    a = x
    for (W, b), name in zip(unflatten(theta, problem.sizes), problem.activations, strict=True):
        a, _ = activate(name, a @ W + b[..., np.newaxis, :])
    return a


def gradient(theta: Array, problem: Problem, x: Array, y: Array, biases: bool = True) -> Array:
    """∂L/∂θ, of the shape of θ: (…, count), on the rows x: (rows, inputs), y: (rows, outputs)."""
    layers = unflatten(theta, problem.sizes)
    a, inputs, slopes = x, [], []
    for (W, b), name in zip(layers, problem.activations, strict=True):
        inputs.append(a)
        a, slope = activate(name, a @ W + b[..., np.newaxis, :])
        slopes.append(slope)

    parts: list[Array] = []
    cotangent = 2 * (a - y) / y.size  # ∂L/∂a = 2/(n·k) · (a − y)
    for (W, _), a, slope in zip(layers[::-1], inputs[::-1], slopes[::-1], strict=True):
        delta = cotangent * slope  # δ = ∂L/∂a ∘ f′(z)
        dW = np.swapaxes(a, -1, -2) @ delta  # ∂L/∂W = aᵀδ
        db = delta.sum(axis=-2) * biases  # ∂L/∂b = 1ᵀδ
        parts += [db, dW.reshape(*theta.shape[:-1], -1)]
        cotangent = delta @ np.swapaxes(W, -1, -2)  # ∂L/∂a of the layer before = δWᵀ
    return np.concatenate(parts[::-1], axis=-1)


def follow(settings: Settings, start: Array, gradients: Array, rates: Array, shipped: bool = False) -> Array:
    """The textbook itself (see `optimizers.follow`); NumPy ships none."""
    return optimizers.follow(settings, start, gradients, rates)


def departures(settings: Settings, dtype: str) -> Sequence[Departure]:
    """No departures: this is the textbook."""
    return []


class NumpyTrainer(Trainer):
    """θ ← step(θ, ∂L/∂θ), the gradient by the passes of `numpy`, whose layers have views of θ for their parameters."""

    def __init__(self, setup: Setup) -> None:
        self.setup = setup
        self.start = vector(setup.task.parameters).astype(setup.task.dtype)
        self.theta = np.empty_like(self.start)
        self.networks: dict[int, NumpyManual] = {}  # by rows in a minibatch
        self.restart()

    def restart(self) -> None:
        self.theta[:] = self.start
        self.optimizer = optimizers.make(self.setup.settings)

    def place(self, x: Array, y: Array) -> tuple[Array, Array]:
        return x, y

    def step(self, x: Array, y: Array) -> np.floating:
        network = self.networks.get(len(x)) or self._network(len(x))
        network.feed(x, y)
        loss, gradients = network.value_and_grad()
        g = np.concatenate([part for dW, db in gradients for part in (dW.ravel(), db * self.setup.biases)])
        self.theta[:] = self.optimizer.step(self.theta, g)
        return loss

    def _network(self, rows: int) -> NumpyManual:
        """The passes over that many rows."""
        network = self.networks[rows] = NumpyManual()
        task = self.setup.task
        layers = unflatten(self.theta, task.problem.sizes)
        network.prepare(replace(task, parameters=layers, batch=rows))
        for layer, (W, b) in zip(network.layers, layers, strict=True):
            layer.W, layer.b = W, b
        return network

    def predict(self, x: Array) -> Array:
        return predict(self.theta, self.setup.task.problem, x)

    def parameters(self) -> Parameters:
        return [Layer(W.copy(), b.copy()) for W, b in unflatten(self.theta, self.setup.task.problem.sizes)]


TRAINER = NumpyTrainer
