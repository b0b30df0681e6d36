"""The oracle: loss and gradients by the complex step, forwards, sharing no code with any implementation.

No derivative of an activation or a loss is written, and nothing is propagated backwards. For a function that is
analytic around z, a step along the imaginary axis gives

    f(z + i·h·v) = f(z) + i·h·f′(z)·v − h²/2·f″(z)·v² − …           hence  f′(z)·v = Im f(z + i·h·v)/h + O(h²)

No difference is taken, so nothing cancels and h may be so small (10⁻²⁰) that the O(h²) lies far below rounding: the
derivative is as accurate as f itself (Squire & Trapp, SIAM Review 40:110–112, 1998; Martins, Sturdza & Alonso,
ACM TOMS 29:245–262, 2003).

In all rows at once, since a row's loss depends on its own preactivations alone, each output is stepped, which gives
δₘ = ∂L/∂zₘ, and the activations, which gives their slopes σ′. Each unit j of each hidden layer ℓ is followed forwards,
t being what its step moves, to the last z:

    t = σ′ℓⱼ · Wℓ₊₁[j]   →   t ← (t ∘ σ′) W   …   →   ∂L/∂zℓⱼ = Σ t ∘ δₘ

As z = aW + b is linear in its parameters, ∂L/∂W = aᵀδ and ∂L/∂b = 1ᵀδ. (To step every parameter instead needs none of
these lines, and as many passes as there are parameters: for 784-128-10 a hundred thousand. The tests compare the two.)

Parameters of K networks have a leading axis, and so has everything that comes of them: the networks are computed side
by side, in pieces, with the same operations as one.

A cross-entropy is written in terms of the last preactivation z, where no logarithm of a small number occurs:
ln(1 + eᶻ) − y·z for a sigmoid, and Σⱼ yⱼ·(ln Σᵢ e^zᵢ − zⱼ) for softmax.

What could still cancel is the residual a − y, where a unit is saturated at the value that it should have: σ(z) − 1 at
z = 40 is 0 in float64 instead of −4·10⁻¹⁸. So an activation is given in two parts, a = s + d: s the asymptote that it
is near (0 or 1 for the sigmoid) and d the distance to it, computed without subtraction. Then a − y = (s − y) + d loses
digits only where a and y really are close, not because they are both close to 1.

Derivatives smaller than `RESOLUTION` may be lost, as their imaginary part underflows.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from samegrad.impls.errors import BadInput
from samegrad.impls.parameters import Array, Layer, Parameters, networks, paired, tensors
from samegrad.impls.problem import BINARY_CROSS_ENTROPY, CROSS_ENTROPY, SQUARED, Problem

STEP = 1e-20
RESOLUTION = np.finfo(np.float64).tiny / STEP
WORKING_SET = 2**15
"""Numbers per temporary array: rows and parameters are taken in pieces of this size, so that memory stays bounded."""

Numbers = NDArray[Any]
"""Arrays of real or complex numbers."""


class Evaluation(NamedTuple):
    """`predictions: (batch, outputs)`, `loss: ()` and `gradients` in the shape of the parameters; or bounds on them.

    Of K networks (K, batch, outputs), (K,), and the gradients with that axis too.
    """

    predictions: Array
    loss: Array
    gradients: Parameters


def evaluate(problem: Problem, parameters: Parameters, x: Array, y: Array) -> Evaluation:
    """Predictions, loss (`impls/problem.py`) and gradients, of x: (batch, inputs) and y: (batch, outputs); all float64.

    Raises BadInput where a gradient does not exist, because a ReLU is exactly on its kink.
    """
    if networks(parameters) is not None:
        row = sum(problem.sizes) * max(problem.sizes)
        return by_networks(lambda some: _evaluate(problem, some, x, y), parameters, WORKING_SET // (row * len(x)))
    return _evaluate(problem, parameters, x, y)


def by_networks(evaluate: Callable[[Parameters], Evaluation], parameters: Parameters, length: int) -> Evaluation:
    """What it finds of all networks, that many of them at a time."""
    evaluations = [
        evaluate([Layer(W[some], b[some]) for W, b in parameters]) for some in pieces(len(parameters[0].b), length)
    ]
    arrays = ([one.predictions, one.loss, *tensors(one.gradients).values()] for one in evaluations)
    predictions, losses, *gradients = map(np.concatenate, zip(*arrays, strict=True))
    return Evaluation(predictions, losses, paired(gradients))


def _evaluate(problem: Problem, parameters: Parameters, x: Array, y: Array) -> Evaluation:
    leading = parameters[0].b.shape[:-1]
    predictions = np.empty((*leading, *y.shape))
    losses: list[Array] = []
    sums: list[list[Array]] = []
    """Of each piece of the rows ∂L/∂W1, ∂L/∂b1, …, but for the factor 1/(n·k)."""
    for rows in pieces(len(x), WORKING_SET // max(problem.sizes)):
        inputs, z, slopes = activate(problem, parameters, x[rows])
        predictions[..., rows, :], terms = last(problem, z, y[rows])
        losses.append(np.sum(terms, axis=(-2, -1)))
        steps = 1j * STEP * np.eye(y.shape[1]).reshape(-1, *(1 for _ in leading), 1, y.shape[1])
        delta = np.moveaxis(last(problem, z + steps, y[rows])[1].imag.sum(axis=-1), 0, -1) / STEP
        deltas = [*(influence(parameters, slopes, ell, delta) for ell in range(len(slopes))), delta]
        pairs = zip(inputs, deltas, strict=True)
        sums.append([total for a, d in pairs for total in (a.swapaxes(-1, -2) @ d, d.sum(axis=-2))])
    gradients = [np.sum(parts, axis=0) / y.size for parts in zip(*sums, strict=True)]
    exact = np.array([math.fsum(parts) for parts in zip(*(np.ravel(loss) for loss in losses), strict=True)])
    return Evaluation(predictions, exact.reshape(leading) / y.size, paired(gradients))


def activate(problem: Problem, parameters: Parameters, x: Array) -> tuple[list[Array], Array, list[Array]]:
    """What goes into each layer, (rows, fan_in), the last z, (rows, outputs), and the slopes before: (rows, units)."""
    inputs: list[Array] = [x]
    slopes: list[Array] = []
    for (W, b), activation in zip(parameters[:-1], problem.activations[:-1], strict=True):
        asymptote, distance = PARTS[activation](inputs[-1] @ W + b[..., np.newaxis, :] + 1j * STEP)
        inputs.append(asymptote + distance.real)
        slopes.append(distance.imag / STEP)
    W, b = parameters[-1]
    return inputs, inputs[-1] @ W + b[..., np.newaxis, :], slopes


def influence(parameters: Parameters, slopes: Sequence[Array], layer: int, delta: Array) -> Array:
    """δ of that hidden layer, counted from 0: (rows, units). delta: (rows, outputs), that of the last."""
    after = parameters[layer + 1 :]
    deltas: Array = np.empty(slopes[layer].shape)
    for some in pieces(deltas.shape[-1], WORKING_SET // (len(delta) * max(W.shape[-1] for W, _ in after))):
        units = slopes[layer][..., some].swapaxes(-1, -2)[..., np.newaxis]
        moved = units * after[0].W[..., some, np.newaxis, :]  # (…, units, rows, those moved)
        for s, (W, _) in zip(slopes[layer + 1 :], after[1:], strict=True):
            moved = (moved * s[..., np.newaxis, :, :]) @ W[..., np.newaxis, :, :]
        deltas[..., some] = np.sum(moved * delta[..., np.newaxis, :, :], axis=-1).swapaxes(-1, -2)
    return deltas


def last(problem: Problem, z: Numbers, y: Array) -> tuple[Numbers, Numbers]:
    """Predictions, and the terms whose sum over n·k elements is n·k·L; each (…, rows, outputs)."""
    asymptote, distance = PARTS[problem.activations[-1]](z)
    return asymptote + distance, TERMS[problem.loss](z, (asymptote - y) + distance, y)


def predict(problem: Problem, parameters: Parameters, x: Array) -> Array:
    """Predictions (batch, outputs) of x: (batch, inputs), by one network."""
    predictions = np.empty((len(x), problem.sizes[-1]))
    for rows in pieces(len(x), WORKING_SET // max(problem.sizes)):
        a = x[rows]
        for (W, b), activation in zip(parameters, problem.activations, strict=True):
            asymptote, distance = PARTS[activation](a @ W + b)
            a = asymptote + distance
        predictions[rows] = a
    return predictions


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


def pieces(count: int, length: int) -> Iterator[slice]:
    """Slices of at most `length` (at least 1) that cover `count` in order."""
    length = max(1, length)
    return (slice(start, min(start + length, count)) for start in range(0, count, length))
