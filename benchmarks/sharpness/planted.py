"""The planted mistakes: gradients from the bank of mistakes, right code as people write it, float32 in disguise."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from samegrad.impls.parameters import Array, Layer, Parameters, initial, tensors
from samegrad.impls.problem import XOR
from samegrad.impls.verifying import mutants
from samegrad.impls.verifying.mistakes import bank
from samegrad.impls.verifying.mutants import Mistake

RATE = 0.5
X, Y = XOR.data(4)

LOGIC = (
    "sign", "b1-missing", "b2-missing", "biases-missing",
    "slope-none-output", "slope-none-hidden", "slope-none-every",
    "slope-of-z-every", "slope-of-z-output", "slope-of-z-hidden",
    "slope-of-a-every", "slope-of-a-output", "slope-of-a-hidden",
    "slope-of-tanh-hidden", "slope-just-a-hidden",
    "back-updated-first", "back-without-weights", "back-without-slope", "back-elementwise-weights",
    "W1-reshaped", "W2-input-untransposed", "W2-from-z", "W1-missing",
    "biases-averaged", "b1-averaged", "b1-wrong-axis", "b1-scalar", "b1-from-above",
    "last-row-only", "flat-target", "absolute-error", "squared-error", "rate-folded-in", "averaged-twice",
)  # fmt: skip
"""The mistakes of the table in the project's notes, by their names in the bank, and a few more of the same kinds."""


def planted() -> list[Mistake]:
    """The mistakes that are planted, from the bank."""
    by_name = {mistake.name: mistake for mistake in bank(XOR.activations)}
    return [by_name[name] for name in LOGIC]


def network(seed: int, scale: float) -> Parameters:
    """The 2-4-1 network of that seed, with weights of that scale."""
    return initial(XOR.sizes, seed, scale)


def wrong_gradient(mistake: Mistake, parameters: Parameters) -> Parameters:
    """The gradient with this mistake, for the mean squared error, in float64."""
    wrong = mutants.gradients(XOR.activations, parameters, X, Y, mistake.steps(), rate=RATE)
    assert wrong is not None
    shapes = {name: tensor.shape for name, tensor in tensors(parameters).items()}
    values = {name: np.broadcast_to(wrong[name].value, shapes[name]).copy() for name in shapes}
    return [Layer(values["W1"], values["b1"]), Layer(values["W2"], values["b2"])]


def naive_slope(z: Array) -> tuple[Array, Array]:
    """a = 1/(1 + e⁻ᶻ) and a(1 − a)."""
    a = 1 / (1 + np.exp(-z))
    return a, a * (1 - a)


def stable_slope(z: Array) -> tuple[Array, Array]:
    """Both from t = e^(−|z|), without subtraction."""
    t = np.exp(-np.abs(z))
    a = np.where(z >= 0, 1, t) / (1 + t)
    return a, t / (1 + t) ** 2


def backward(
    parameters: Parameters, sigmoid: Callable[[Array], tuple[Array, Array]], inside: str, back: str | None = None
) -> Parameters:
    """A right pass whose forward half is in the dtype `inside`, its backward half in `back` (the same by default)."""
    back = back or inside
    (W1, b1), (W2, b2) = ([p.astype(inside) for p in layer] for layer in parameters)
    x, y = X.astype(inside), Y.astype(inside)
    with np.errstate(over="ignore"):
        a1, s1 = sigmoid(x @ W1 + b1)
        a2, s2 = sigmoid(a1 @ W2 + b2)
    x, y, a1, s1, a2, s2, W2 = (array.astype(back) for array in (x, y, a1, s1, a2, s2, W2))
    d2 = (a2 - y) * s2 * np.asarray(2 / y.size, back)
    d1 = (d2 @ W2.T) * s1
    return [Layer(x.T @ d1, d1.sum(axis=0)), Layer(a1.T @ d2, d2.sum(axis=0))]


def downcasts(parameters: Parameters) -> dict[str, Parameters]:
    """float32 passed off as float64: all inside, in the forward half only, and the result alone."""
    inside = backward(parameters, naive_slope, "float32")
    forward = backward(parameters, naive_slope, "float32", "float64")
    result = backward(parameters, naive_slope, "float64")
    return {
        "float32 inside": as_dtype(inside, "float64"),
        "float32 forward": as_dtype(forward, "float64"),
        "float32 result": as_dtype(as_dtype(result, "float32"), "float64"),
    }


def as_dtype(gradients: Parameters, dtype: str) -> Parameters:
    """The same numbers, rounded to `dtype`."""
    return [Layer(W.astype(dtype), b.astype(dtype)) for W, b in gradients]
