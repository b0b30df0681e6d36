"""NumPy: backpropagation by hand over one vector θ of all parameters, and the textbook's optimizers.

    zℓ = aℓ₋₁Wℓ + bℓ                   aℓ = f(zℓ)
    δₘ = 2/(n·k)·(aₘ − y) ∘ f′(zₘ)     δℓ = δℓ₊₁Wℓ₊₁ᵀ ∘ f′(zℓ)
    ∂L/∂Wℓ = aℓ₋₁ᵀδℓ                   ∂L/∂bℓ = 1ᵀδℓ

θ may have leading axes: θ: (runs, count) trains `runs` networks at once, each on the same rows. It works in whatever
dtype θ has, the machine's extended precision included, which makes it the reference too (`shadows.py`).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from impls.checking.oracle import flatten, unflatten
from impls.learning import optimizers
from impls.learning.optimizers import Settings
from impls.learning.trainer import Departure, Trainer
from impls.parameters import Array, Layer, Parameters
from impls.problem import Problem


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


def loss_and_gradient(theta: Array, problem: Problem, x: Array, y: Array, biases: bool = True) -> tuple[Array, Array]:
    """L: (…) and ∂L/∂θ: (…, count) of the networks θ on the rows x: (rows, inputs), y: (rows, outputs)."""
    layers = unflatten(theta, problem.sizes)
    a, inputs, slopes = x, [], []
    for (W, b), name in zip(layers, problem.activations, strict=True):
        inputs.append(a)
        a, slope = activate(name, a @ W + b[..., np.newaxis, :])
        slopes.append(slope)

    residual = a - y
    loss = (residual**2).sum(axis=(-1, -2)) / y.size  # L = 1/(n·k) · Σ (a − y)²
    found: list[Array] = []
    cotangent = 2 * residual / y.size  # ∂L/∂a = 2/(n·k) · (a − y)
    for (W, _), a, slope in zip(layers[::-1], inputs[::-1], slopes[::-1], strict=True):
        delta = cotangent * slope  # δ = ∂L/∂a ∘ f′(z)
        dW = np.swapaxes(a, -1, -2) @ delta  # ∂L/∂W = aᵀδ
        db = delta.sum(axis=-2) * biases  # ∂L/∂b = 1ᵀδ
        found += [db, dW.reshape(*theta.shape[:-1], -1)]
        cotangent = delta @ np.swapaxes(W, -1, -2)  # ∂L/∂a of the layer before = δWᵀ
    return loss, np.concatenate(found[::-1], axis=-1)


def gradient(theta: Array, problem: Problem, x: Array, y: Array, biases: bool = True) -> Array:
    """∂L/∂θ alone."""
    return loss_and_gradient(theta, problem, x, y, biases)[1]


def follow(settings: Settings, start: Array, gradients: Array, rates: Array, shipped: bool = False) -> Array:
    """The textbook itself (see `optimizers.follow`); NumPy ships none."""
    return optimizers.follow(settings, start, gradients, rates)


def departures(settings: Settings, dtype: str) -> Sequence[Departure]:
    """There are none."""
    return []


class NumpyTrainer(Trainer):
    """θ ← step(θ, ∂L/∂θ)."""

    def __init__(
        self,
        problem: Problem,
        parameters: Parameters,
        settings: Settings,
        dtype: str,
        *,
        biases: bool = True,
        shipped: bool = False,
    ) -> None:
        self.problem, self.biases, self.settings = problem, biases, settings
        self.start = flatten(parameters).astype(dtype)
        self.restart()

    def restart(self) -> None:
        self.theta, self.optimizer = self.start, optimizers.make(self.settings)

    def place(self, x: Array, y: Array) -> tuple[Array, Array]:
        return x, y

    def step(self, x: Array, y: Array) -> Array:
        loss, g = loss_and_gradient(self.theta, self.problem, x, y, self.biases)
        self.theta = self.optimizer.step(self.theta, g)
        return loss

    def predict(self, x: Array) -> Array:
        return predict(self.theta, self.problem, x)

    def parameters(self) -> Parameters:
        return [Layer(W.copy(), b.copy()) for W, b in unflatten(self.theta, self.problem.sizes)]


TRAINER = NumpyTrainer
