"""`numpy`: backpropagation by hand, one equation per line, for any number of layers.

With a₀ = x and, for the layers ℓ = 1 … m of weights Wℓ (fan_in, fan_out) and biases bℓ (fan_out,),

    forward     zℓ = aℓ₋₁ Wℓ + bℓ              aℓ = f(zℓ)
    loss        L  = 1/(n·k) · Σ (aₘ − y)²      over all n·k elements of the prediction

the chain rule gives, for δℓ = ∂L/∂zℓ,

    output      δₘ = 2/(n·k) · (aₘ − y) ∘ f′(zₘ)
    hidden      δℓ = δℓ₊₁ Wℓ₊₁ᵀ ∘ f′(zℓ)       each unit answers for all units that it feeds
    weights     ∂L/∂Wℓ = aℓ₋₁ᵀ δℓ              since zℓ is linear in Wℓ with coefficients aℓ₋₁
    biases      ∂L/∂bℓ = Σ over rows of δℓ     since bℓ enters every row with coefficient 1
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from impls.errors import Unavailable
from impls.implementation import Implementation
from impls.parameters import Array, Layer, Parameters, rounded
from impls.problem import SEED, Problem


def sigmoid(z: Array) -> tuple[Array, Array]:
    """a = 1/(1 + e⁻ᶻ) and its slope a(1 − a).

    With t = e⁻ᶻ: a = 1/(1 + t) and 1 − a = t·a, which keeps its digits where a is so near to 1 that subtracting would
    lose them. Clamping −z where t would overflow changes a by less than the smallest normal number.
    """
    t = np.exp(np.minimum(-z, LARGEST_EXPONENT[z.dtype.char]))
    a = 1 / (1 + t)
    return a, t * a * a


def tanh(z: Array) -> tuple[Array, Array]:
    """a = tanh z and its slope 1 − a² = (1 − a)(1 + a)."""
    a = np.tanh(z)
    return a, (1 - a) * (1 + a)


def relu(z: Array) -> tuple[Array, Array]:
    """a = max(z, 0) and its slope, 1 where z > 0 and 0 elsewhere (0 at the kink, as the frameworks have it)."""
    return np.maximum(z, 0), (z > 0).astype(z.dtype)


def identity(z: Array) -> tuple[Array, Array]:
    """a = z and its slope 1."""
    return z, np.ones_like(z)


Activation = Callable[[Array], tuple[Array, Array]]
ACTIVATIONS: dict[str, Activation] = {"sigmoid": sigmoid, "tanh": tanh, "relu": relu, "identity": identity}
LARGEST_EXPONENT = {np.dtype(t).char: np.log(np.finfo(t).max) for t in (np.float32, np.float64)}


class NumpyManual(Implementation):
    """Forward and backward pass as derived above, in plain NumPy."""

    def prepare(
        self,
        problem: Problem,
        parameters: Parameters,
        batch: int,
        dtype: str = "float32",
        device: str = "cpu",
        seed: int = SEED,
    ) -> None:
        if device != "cpu":
            raise Unavailable(f"numpy computes on the CPU only; device {device!r} needs another implementation")
        x, y = problem.data(batch, seed)
        self.x, self.y = x.astype(dtype), y.astype(dtype)
        self.parameters = rounded(parameters, dtype)
        self.activations = [ACTIVATIONS[name] for name in problem.activations]

    def forward(self) -> Array:
        a = self.x
        for (W, b), f in zip(self.parameters, self.activations):
            a, _ = f(a @ W + b)
        return a

    def value_and_grad(self) -> tuple[Array, Parameters]:
        inputs, slopes = [], []
        a = self.x
        for (W, b), f in zip(self.parameters, self.activations):
            inputs.append(a)
            a, slope = f(a @ W + b)
            slopes.append(slope)

        error = a - self.y
        loss = np.vdot(error, error) / error.size
        cotangent = 2 / error.size * error  # ∂L/∂a of the last layer

        gradients = []
        for (W, _), a, slope in zip(reversed(self.parameters), reversed(inputs), reversed(slopes)):
            delta = cotangent * slope
            gradients.append(Layer(a.T @ delta, delta.sum(axis=0)))
            cotangent = delta @ W.T
        return loss, gradients[::-1]

    def train_step(self, learning_rate: float) -> tuple[Array, Parameters]:
        loss, gradients = self.value_and_grad()
        self.parameters = [
            Layer(W - learning_rate * dW, b - learning_rate * db)
            for (W, b), (dW, db) in zip(self.parameters, gradients)
        ]
        return loss, self.parameters

    def to_numpy(self, result):
        return result
