"""Mutants: what the gradients would be under a mistake.

One backward pass is written below as seven steps, in the notation of `on_numpy.manual`. A mistake is another function
in the place of one step (`mistakes.bank` lists them); a pair of mistakes replaces two different steps. The pass runs on
`Running` numbers, so that each mistaken gradient comes with a bound on its rounding error.

    rows      x, y           which rows are used
    error     e   = a − y
    sum       zℓ  = aℓ₋₁ Wℓ + bℓ
    slope     s   = f′(z)                of the last layer with a cross-entropy 1, as the loss's derivative cancels it
    weight    dWℓ = aℓ₋₁ᵀ δℓ          δℓ = cotangentℓ ∘ sℓ,  cotangentₘ = 2/(N·k) · e  (1/(N·k) · e)
    bias      dbℓ = Σ over rows of δℓ
    back      cotangentℓ = δℓ₊₁ Wℓ₊₁ᵀ
    finish    what is done to all gradients at the end
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np

from samegrad.impls.parameters import Array, Parameters, tensors
from samegrad.impls.problem import SQUARED
from samegrad.impls.verifying.running import Running

Gradients = dict[str, Running]
FUNCTIONS: dict[str, Callable[[Running], Running]] = {
    "sigmoid": Running.sigmoid,
    "tanh": Running.tanh,
    "relu": Running.relu,
    "identity": lambda z: z,
    "softmax": Running.softmax,
}


def ones(like: Running) -> Running:
    """Exact ones in the shape of `like`."""
    return Running(np.ones(like.shape), 0.0, like.dtype)


SLOPES: dict[str, Callable[[Running, Running], Running]] = {
    "sigmoid": lambda z, a: a * (1 - a),
    "tanh": lambda z, a: 1 - a * a,
    "relu": lambda z, a: z.step(),
    "identity": lambda z, a: ones(z),
}


def softmax_back(cotangent: Running, a: Running) -> Running:
    """a ∘ (c − Σ c a): a softmax has no slope for each unit, as every unit depends on every z of its row."""
    return a * (cotangent - (cotangent * a).sum(axis=1, keepdims=True))


@dataclass(frozen=True)
class Place:
    """Where in the network a step is taken: layer `ell` of `m` (counted from 1) and what is known there."""

    ell: int
    m: int
    activation: str
    W: Running
    z: Running
    a: Running
    a_before: Running
    z_before: Running
    error: Running
    rate: float
    loss: str = SQUARED

    @property
    def cancels(self) -> bool:
        """Does the loss's derivative cancel the slope of this layer?"""
        return self.ell == self.m and self.loss != SQUARED


def usual_slope(at: Place) -> Running | None:
    """f′(z); 1 where the loss cancels it; None for softmax, which has none."""
    if at.cancels:
        return ones(at.z)
    return None if at.activation == "softmax" else SLOPES[at.activation](at.z, at.a)


@dataclass(frozen=True)
class BackwardSteps:
    """One backward pass; the defaults are the right one."""

    rows: Callable[[Array, Array], tuple[Array, Array]] = lambda x, y: (x, y)
    error: Callable[[Running, Array], Running] = lambda a, y: a - y
    sum: Callable[[int, Running, Running, Any], Running] = lambda ell, a_before, W, b: a_before @ W + b
    slope: Callable[[Place], Running | None] = usual_slope
    weight: Callable[[Place, Running], Running] = lambda at, delta: at.a_before.T @ delta
    bias: Callable[[Place, Running, Running | None], Running] = lambda at, delta, above: delta.sum(axis=0)
    back: Callable[[Place, Running, Running, Running], Running] = lambda at, delta, cotangent, dW: delta @ at.W.T
    finish: Callable[[Gradients, float, int], Gradients] = lambda gradients, rate, rows: gradients


@dataclass(frozen=True, eq=False)
class Mistake:
    """A mistake that people make."""

    name: str
    title: str
    """What is wrong, in the words after "wrong: "."""
    sentence: str
    """The explanation for a student."""
    equation: str
    """The right equation."""
    changes: dict[str, Any] = field(default_factory=dict)
    """The steps that the mistake replaces; none for what is recognised otherwise than by a pass that makes it."""
    parts: tuple[Mistake, ...] = ()
    """The single mistakes of a pair."""
    proportional: bool = True
    """Does twice the loss give twice this gradient?"""
    loss: str = ""
    """The only loss with which it can be made; "" for any."""

    def steps(self) -> BackwardSteps:
        """The backward pass under this mistake."""
        return replace(BackwardSteps(), **self.changes)


def gradients(
    activations: Sequence[str],
    parameters: Parameters,
    x: Array,
    y: Array,
    steps: BackwardSteps,
    *,
    factor: float = 1.0,
    rate: float = 1.0,
    dtype: str = "float64",
    loss: str = SQUARED,
) -> Gradients | None:
    """What a pass of these steps gives for `factor` times the loss's mean over all elements: {"W1": …, "b1": …, …}.

    x: (batch, inputs), y: (batch, outputs). `rate` is the learning rate, for the mistakes that involve it. None where
    the mistake cannot be made at these shapes, since NumPy would refuse them.
    """
    with np.errstate(all="ignore"), contextlib.suppress(ValueError, IndexError):
        batch, elements = len(x), y.size
        x, y = steps.rows(x, y)
        a = z = Running(x, 0.0, dtype)
        places = []
        for number, ((W, b), activation) in enumerate(zip(parameters, activations, strict=True), start=1):
            before, z_before = a, z
            weights = W if isinstance(W, Running) else Running(W, 0.0, dtype)
            z = steps.sum(number, before, weights, b)
            a = FUNCTIONS[activation](z)
            places.append(partial(Place, number, len(parameters), activation, weights, z, a, before, z_before))

        cotangent = error = steps.error(a, y) * ((2 if loss == SQUARED else 1) * factor / elements)
        by_tensor: Gradients = {}
        above = None
        for place in reversed(places):
            at = place(error, rate, loss)
            slope = steps.slope(at)
            delta = softmax_back(cotangent, at.a) if slope is None else cotangent * slope
            by_tensor[f"b{at.ell}"] = steps.bias(at, delta, above)
            by_tensor[f"W{at.ell}"] = dW = steps.weight(at, delta)
            if at.ell > 1:
                cotangent, above = steps.back(at, delta, cotangent, dW), delta
        return steps.finish(by_tensor, rate, batch)
    return None


def row_by_row(
    activations: Sequence[str],
    parameters: Parameters,
    x: Array,
    y: Array,
    steps: BackwardSteps,
    *,
    factor: float = 1.0,
    rate: float = 1.0,
    dtype: str = "float64",
    order: Sequence[int] | None = None,
    loss: str = SQUARED,
    trained: Collection[str] = (),
) -> Gradients | None:
    """What looks like a gradient, (p − p′)/rate, after one update for each row in turn (stochastic gradient descent).

    `factor` is that of a batch of one; `trained` are the tensors that the program has, all where it is empty.
    Errors are carried along from one update to the next.
    """
    before = {name: Running(tensor, 0.0, dtype) for name, tensor in tensors(parameters).items()}
    now = before
    for row in order if order is not None else range(len(x)):
        layers: Any = [(now[f"W{ell}"], now[f"b{ell}"]) for ell in range(1, len(parameters) + 1)]
        one = slice(row, row + 1)
        by_tensor = gradients(
            activations, layers, x[one], y[one], steps, factor=factor, rate=rate, dtype=dtype, loss=loss
        )
        if by_tensor is None or any(by_tensor[name].shape != p.shape for name, p in now.items()):
            return None
        now = {name: p - rate * by_tensor[name] if not trained or name in trained else p for name, p in now.items()}
    return {name: (p - now[name]) * (1 / rate) for name, p in before.items()}


def pairs(singles: Sequence[Mistake]) -> Iterator[Mistake]:
    """Two mistakes at once, where they concern different steps."""
    for one, other in itertools.combinations(singles, 2):
        if not set(one.changes) & set(other.changes):
            yield Mistake(
                name=f"{one.name}+{other.name}",
                title=f"{one.title}, and {other.title}",
                sentence=f"{one.sentence} Also: {other.sentence}",
                equation=f"{one.equation}\n{other.equation}",
                changes={**one.changes, **other.changes},
                parts=(one, other),
                proportional=one.proportional and other.proportional,
                loss=one.loss or other.loss,
            )
