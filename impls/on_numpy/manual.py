"""`numpy`: backpropagation by hand, one equation per line, for any number of layers.

With a₀ = x and, for the layers ℓ = 1 … m of weights Wℓ (fan_in, fan_out) and biases bℓ (fan_out,),

    forward     zℓ = aℓ₋₁ Wℓ + bℓ              aℓ = f(zℓ)
    loss        L  = 1/(n·k) · Σ (aₘ − y)²      over all n·k elements of the prediction

the chain rule gives, for δℓ = ∂L/∂zℓ,

    output      δₘ = 2/(n·k) · (aₘ − y) ∘ f′(zₘ)
    hidden      δℓ = δℓ₊₁ Wℓ₊₁ᵀ ∘ f′(zℓ)       each unit answers for all units that it feeds
    weights     ∂L/∂Wℓ = aℓ₋₁ᵀ δℓ              since zℓ is linear in Wℓ with coefficients aℓ₋₁
    biases      ∂L/∂bℓ = 1ᵀ δℓ                 the sum over rows, since bℓ enters every row with coefficient 1

At a batch of 4 the arithmetic is nearly free, and a pass takes as long as its NumPy calls. The code keeps the equations
and spares each call what it need not do. Results go into arrays made once (`out=`). Constants are arrays of the right
dtype. A product is `x.dot(W)`, which NumPy dispatches faster than `np.dot` and `@`.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

from samegrad.impls.implementation import Implementation
from samegrad.impls.on_numpy.activations import ACTIVATIONS, Activation
from samegrad.impls.parameters import Array, Layer, Parameters
from samegrad.impls.task import Task


class Dense:
    """One layer a = f(x W + b): its parameters, its forward equation, and its three backward equations."""

    def __init__(self, parameters: Layer, activation: str, batch: int, dtype: str) -> None:
        self.W, self.b = parameters
        shape = (batch, len(self.b))
        self.f: Activation = ACTIVATIONS[activation](shape, dtype)
        self.z, self.a, self.delta = (np.empty(shape, dtype) for _ in range(3))
        self.ones = np.ones(batch, dtype)

    def forward(self, x: Array) -> Array:
        """The activations a: (batch, fan_out). What the backward equations need of them is kept."""
        self.x = x
        x.dot(self.W, out=self.z)  # z = x W + b
        np.add(self.z, self.b, out=self.z)
        self.f.value(self.z, self.a)  # a = f(z)
        return self.a

    def backward(self, cotangent: Array) -> Layer:
        """The gradient (∂L/∂W, ∂L/∂b), given the cotangent ∂L/∂a."""
        self.f.slope(self.z, self.a, out=self.delta)
        np.multiply(self.delta, cotangent, out=self.delta)  # δ = ∂L/∂a ∘ f′(z)
        return Layer(self.x.T.dot(self.delta), self.ones.dot(self.delta))  # ∂L/∂W = xᵀ δ, ∂L/∂b = 1ᵀ δ

    def input_cotangent(self) -> Array:
        """∂L/∂x = δ Wᵀ, the cotangent of the layer before."""
        return self.delta.dot(self.W.T)


class NumpyManual(Implementation):
    """Forward and backward pass as derived above, in plain NumPy."""

    def prepare(self, task: Task) -> None:
        task.require_cpu("numpy")
        self.feed(*task.data())
        self.layers = [
            Dense(layer, activation, task.batch, task.dtype)
            for layer, activation in zip(task.layers(), task.problem.activations, strict=True)
        ]
        self.error = np.empty_like(self.y)
        self.size = self.y.dtype.type(self.y.size)  # n·k
        self.two_over_size = np.array(2 / self.y.size, task.dtype)

    def feed(self, x: Array, y: Array | None = None) -> None:
        self.x = x
        if y is not None:
            self.y = y

    def forward(self) -> Array:
        a = self.x
        for layer in self.layers:
            a = layer.forward(a)
        return a

    def value_and_grad(self) -> tuple[np.floating, Parameters]:
        error = np.subtract(self.forward(), self.y, out=self.error)
        loss = np.vdot(error, error) / self.size  # L = 1/(n·k) · Σ (a − y)²

        cotangent = np.multiply(error, self.two_over_size, out=error)  # ∂L/∂a = 2/(n·k) · (a − y)
        gradients = [self.layers[-1].backward(cotangent)]
        for after, layer in pairwise(self.layers[::-1]):
            gradients.append(layer.backward(after.input_cotangent()))
        return loss, gradients[::-1]

    def train_step(self, learning_rate: float) -> tuple[np.floating, Parameters]:
        loss, gradients = self.value_and_grad()
        for layer, (dW, db) in zip(self.layers, gradients, strict=True):
            dW *= learning_rate
            db *= learning_rate
            layer.W -= dW  # W ← W − λ ∂L/∂W
            layer.b -= db  # b ← b − λ ∂L/∂b
        return loss, [Layer(layer.W, layer.b) for layer in self.layers]

    def to_numpy(self, result: Any) -> Any:
        """Copies of a result, as the next call overwrites predictions and parameters in their places."""
        if isinstance(result, np.ndarray):
            return result.copy()
        loss, layers = result
        return loss.copy(), [Layer(W.copy(), b.copy()) for W, b in layers]
