"""The oracle: loss and gradients by the complex step, sharing no code with any implementation.

The loss is written once, as a plain function of all parameters θ, and no derivative is written at all. For a function
that is analytic around θ, a step along the imaginary axis gives

    L(θ + i·h·eⱼ) = L(θ) + i·h·∂L/∂θⱼ − h²/2·∂²L/∂θⱼ² − …        hence  ∂L/∂θⱼ = Im L(θ + i·h·eⱼ)/h + O(h²)

No difference is taken, so nothing cancels and h may be so small (10⁻²⁰) that the O(h²) lies far below rounding: the
gradient is as accurate as the loss itself (Squire & Trapp, SIAM Review 40:110–112, 1998; Martins, Sturdza & Alonso,
ACM TOMS 29:245–262, 2003).

A cross-entropy is written in terms of the last preactivation z, where no logarithm of a small number occurs:
ln(1 + eᶻ) − y·z for a sigmoid, and Σⱼ yⱼ·(ln Σᵢ e^zᵢ − zⱼ) for softmax.

What could still cancel is the residual a − y, where a unit is saturated at the value that it should have: σ(z) − 1 at
z = 40 is 0 in float64 instead of −4·10⁻¹⁸. So an activation is given in two parts, a = s + d: s the asymptote that it
is near (0 or 1 for the sigmoid) and d the distance to it, computed without subtraction. Then a − y = (s − y) + d loses
digits only where a and y really are close, not because they are both close to 1.

Derivatives smaller than `RESOLUTION` are lost, as their imaginary part underflows.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from samegrad.impls.errors import BadInput
from samegrad.impls.parameters import Array, Layer, Parameters
from samegrad.impls.problem import BINARY_CROSS_ENTROPY, CROSS_ENTROPY, SQUARED, Problem

STEP = 1e-20
RESOLUTION = np.finfo(np.float64).tiny / STEP
WORKING_SET = 2**15
"""Numbers per temporary array: rows and parameters are taken in pieces of this size, so that memory stays bounded."""

Numbers = NDArray[Any]
"""Real or complex."""


class Evaluation(NamedTuple):
    """`predictions: (batch, outputs)`, `loss: ()` and `gradients` in the shape of the parameters; or bounds on them."""

    predictions: Array
    loss: Array
    gradients: Parameters


def evaluate(problem: Problem, parameters: Parameters, x: Array, y: Array) -> Evaluation:
    """Predictions, loss (`impls/problem.py`) and gradients, of x: (batch, inputs) and y: (batch, outputs); all float64.

    Raises BadInput where a gradient does not exist, because a ReLU is exactly on its kink.
    """
    theta = flatten(parameters)
    sizes, activations = problem.sizes, problem.activations

    predictions = np.empty(y.shape)
    losses = []
    for rows in pieces(len(x), WORKING_SET // max(sizes)):
        predictions[rows], terms = outcome(unflatten(theta, sizes), activations, problem.loss, x[rows], y[rows])
        losses.append(np.sum(terms))
    loss = math.fsum(losses) / y.size

    gradient = np.empty(theta.size)
    together = max(1, WORKING_SET // theta.size)  # parameters that are stepped in one go, each in its own copy of θ
    for some in pieces(theta.size, together):
        step = np.zeros((some.stop - some.start, theta.size), dtype=complex)
        step[np.arange(len(step)), np.arange(some.start, some.stop)] = 1j * STEP
        layers = unflatten(theta + step, sizes)
        parts = []
        for rows in pieces(len(x), WORKING_SET // (len(step) * max(sizes))):
            _, terms = outcome(layers, activations, problem.loss, x[rows], y[rows])
            parts.append(np.sum(terms.imag.reshape(len(step), -1), axis=1))
        gradient[some] = [math.fsum(column) / STEP / y.size for column in np.transpose(parts)]
    return Evaluation(predictions, np.array(loss), unflatten(gradient, sizes))


def predict(problem: Problem, parameters: Parameters, x: Array) -> Array:
    """Predictions (batch, outputs) of x: (batch, inputs)."""
    nothing = np.zeros((len(x), problem.sizes[-1]))
    parts = [
        outcome(parameters, problem.activations, SQUARED, x[rows], nothing[rows])[0]
        for rows in pieces(len(x), WORKING_SET // max(problem.sizes))
    ]
    return np.concatenate(parts)


def outcome(
    layers: Sequence[Layer], activations: Sequence[str], loss: str, x: Numbers, y: Array
) -> tuple[Numbers, Numbers]:
    """Predictions, and the terms whose sum over n·k elements is n·k·L; each (…, batch, outputs).

    The parameters may have any leading axes.
    """
    a = x
    for (W, b), activation in zip(layers, activations, strict=True):
        z = a @ W + b[..., np.newaxis, :]
        asymptote, distance = PARTS[activation](z)
        a = asymptote + distance
    return a, TERMS[loss](z, (asymptote - y) + distance, y)


def binary_terms(z: Numbers, residual: Numbers, y: Array) -> Numbers:
    """−y ln σ(z) − (1 − y) ln(1 − σ(z)) = ln(1 + eᶻ) − y·z."""
    right = z.real >= 0
    return np.where(right, z, 0) + np.log1p(np.exp(np.where(right, -z, z))) - y * z


def cross_entropy_terms(z: Numbers, residual: Numbers, y: Array) -> Numbers:
    """−y ln a = y·(ln Σ eᶻ − z)."""
    return y * (log_sum_exp(z) - z)


TERMS: dict[str, Callable[[Numbers, Numbers, Array], Numbers]] = {
    SQUARED: lambda z, residual, y: residual**2,
    BINARY_CROSS_ENTROPY: binary_terms,
    CROSS_ENTROPY: cross_entropy_terms,
}


def log_sum_exp(z: Numbers) -> Numbers:
    """ln Σⱼ e^zⱼ over the units of each row: (…, batch, 1)."""
    largest = z.real.max(axis=-1, keepdims=True)
    return largest + np.log(np.sum(np.exp(z - largest), axis=-1, keepdims=True))


def sigmoid(z: Numbers) -> tuple[Numbers, Numbers]:
    """σ(z) = 1/(1 + e⁻ᶻ) = 0 + t/(1 + t) with t = eᶻ where z < 0, and 1 − t/(1 + t) with t = e⁻ᶻ elsewhere."""
    right = z.real >= 0
    t = np.exp(np.where(right, -z, z))
    return np.where(right, 1.0, 0.0), np.where(right, -t, t) / (1 + t)


def tanh(z: Numbers) -> tuple[Numbers, Numbers]:
    """tanh z = 0 + tanh z near the origin, and ±(1 − 2t/(1 + t)) with t = e^(∓2z) elsewhere."""
    side = np.where(abs(z.real) < 1, 0.0, np.sign(z.real))
    t = np.exp(-2 * side * z)
    return side, np.where(side == 0, np.tanh(np.where(side == 0, z, 0)), -side * 2 * t / (1 + t))


def relu(z: Numbers) -> tuple[Numbers, Numbers]:
    """max(z, 0) = 0 + z where z > 0. Raises BadInput at z = 0, where it has no derivative."""
    if (z.real == 0).any():
        raise BadInput(
            f"the gradient does not exist here: {np.count_nonzero(z.real == 0)} preactivation(s) of a ReLU are exactly "
            "0, on its kink; take another seed, or parameters whose biases are not zero"
        )
    return np.zeros(z.shape), np.where(z.real > 0, z, 0)


def identity(z: Numbers) -> tuple[Numbers, Numbers]:
    """z = 0 + z."""
    return np.zeros(z.shape), z


def softmax(z: Numbers) -> tuple[Numbers, Numbers]:
    """e^z / Σ e^z = 0 + e^(z − ln Σ e^z)."""
    return np.zeros(z.shape), np.exp(z - log_sum_exp(z))


PARTS: dict[str, Callable[[Numbers], tuple[Numbers, Numbers]]] = {
    "sigmoid": sigmoid,
    "tanh": tanh,
    "relu": relu,
    "identity": identity,
    "softmax": softmax,
}


def flatten(parameters: Parameters) -> Array:
    """All parameters in one vector: W1 row by row, b1, W2, …"""
    return np.concatenate([np.ravel(tensor) for layer in parameters for tensor in layer]).astype(np.float64)


def unflatten(theta: Numbers, sizes: Sequence[int]) -> Parameters:
    """The layers in vectors θ: (…, count), as W: (…, fan_in, fan_out) and b: (…, fan_out)."""
    layers, start = [], 0
    for fan_in, fan_out in pairwise(sizes):
        middle, end = start + fan_in * fan_out, start + (fan_in + 1) * fan_out
        W = theta[..., start:middle].reshape(*theta.shape[:-1], fan_in, fan_out)
        layers.append(Layer(W, theta[..., middle:end]))
        start = end
    return layers


def pieces(count: int, length: int) -> Iterator[slice]:
    """Slices of at most `length` (at least 1) that cover `count` in order."""
    length = max(1, length)
    return (slice(start, min(start + length, count)) for start in range(0, count, length))
