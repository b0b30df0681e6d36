"""What a generated program's steps should be: its loss, coded anew from `what`, and differentiated.

Nothing here is shared with the code that writes the programs. Derivatives are by the complex step, Im L(θ + ih)/h,
which is exact to rounding and never steps over a kink; `central` is the same by central differences, to check it.
"""

from __future__ import annotations

import contextlib
import io
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.impls.programs.generate import Program

Array = NDArray[Any]
TOLERANCE = 1e-6
"""Relative; the loss in logarithms of a near 1 has seven digits left, a mistake costs more than that."""

ACTIVATIONS: dict[str, Callable[[Array], Array]] = {
    "sigmoid": lambda z: 1 / (1 + np.exp(-z)),
    "tanh": np.tanh,
    "relu": lambda z: np.where(z.real > 0, z, 0),
    "identity": lambda z: z,
    "leaky_relu": lambda z: np.where(z.real > 0, z, 0.01 * z),
    "softplus": lambda z: np.log(1 + np.exp(z)),
    "elu": lambda z: np.where(z.real > 0, z, np.exp(z) - 1),
    "softmax": lambda z: np.exp(z) / np.exp(z).sum(axis=1, keepdims=True),
}
LOSSES: dict[str, Callable[[Array, Array], Any]] = {
    "half-sse": lambda a, y: 0.5 * np.sum((a - y) ** 2),
    "sse": lambda a, y: np.sum((a - y) ** 2),
    "mse": lambda a, y: np.mean((a - y) ** 2),
    "row-mean": lambda a, y: np.mean(np.sum((a - y) ** 2, axis=1)),
    "half-row-mean": lambda a, y: 0.5 * np.mean(np.sum((a - y) ** 2, axis=1)),
    "half-mse": lambda a, y: 0.5 * np.mean((a - y) ** 2),
    "bce-sum": lambda a, y: -np.sum(y * np.log(a) + (1 - y) * np.log(1 - a)),
    "bce-mean": lambda a, y: -np.mean(np.sum(y * np.log(a) + (1 - y) * np.log(1 - a), axis=1)),
    "sce-sum": lambda a, y: -np.sum(y * np.log(a)),
    "sce-mean": lambda a, y: -np.mean(np.sum(y * np.log(a), axis=1)),
}


def loss(what: dict[str, Any], parameters: list[Array], x: Array, y: Array) -> complex:
    """The loss that a program means, with its penalty; parameters are W1, b1, W2, b2, …."""
    a = x
    for name, W, b in zip(what["activations"], parameters[::2], parameters[1::2], strict=True):
        a = ACTIVATIONS[name](a @ W + b)
    per_row = len(x) if what["penalty_per_row"] else 1
    punished = parameters if what["penalty_on_biases"] else parameters[::2]
    penalty = sum(what["l2"] / 2 * np.sum(p**2) for p in punished) / per_row
    shrink = what["l1"] / (per_row if what["penalty"] == "l1" else 1)
    penalty += sum(shrink * np.sum(p * np.sign(p.real)) for p in punished)
    return complex(LOSSES[what["loss"]](a, y) + penalty)


def gradient(what: dict[str, Any], parameters: list[Array], x: Array, y: Array) -> list[Array]:
    """The derivative of the loss in every entry of every parameter."""
    moved = [p.astype(complex) for p in parameters]
    actual = _each_entry(moved, lambda tensor, index: _complex_step(what, moved, tensor, index, x, y))
    return actual if what["biased"] else [g if i % 2 == 0 else 0 * g for i, g in enumerate(actual)]


def _complex_step(what: dict[str, Any], moved: list[Array], tensor: Array, index: Any, x: Array, y: Array) -> float:
    kept = tensor[index]
    tensor[index] = kept + 1e-30j
    value = loss(what, moved, x, y).imag / 1e-30
    tensor[index] = kept
    return value


def central(what: dict[str, Any], parameters: list[Array], x: Array, y: Array, step: float = 1e-5) -> list[Array]:
    """The same by central differences; a kink within a step spoils them."""
    moved = [p.copy() for p in parameters]

    def difference_at(tensor: Array, index: Any) -> float:
        kept, values = tensor[index], []
        for value in (kept + step, kept - step):
            tensor[index] = value
            values.append(loss(what, moved, x, y).real)
        tensor[index] = kept
        return (values[0] - values[1]) / (2 * step)

    return _each_entry(moved, difference_at)


def _each_entry(tensors: list[Array], of: Callable[[Array, Any], float]) -> list[Array]:
    actual = []
    for tensor in tensors:
        out = np.zeros(tensor.shape)
        for index in np.ndindex(tensor.shape):
            out[index] = of(tensor, index)
        actual.append(out)
    return actual


class Optimizer:
    """The textbook's step, by the name in `what`."""

    def __init__(self, name: str, rate: float) -> None:
        self.name, self.rate, self.t = name, rate, 0
        self.m: list[Array] = [np.zeros(())] * 99
        self.v: list[Array] = [np.zeros(())] * 99

    def step(self, parameters: list[Array], gradients: list[Array]) -> None:
        """Move the parameters in place."""
        self.t += 1
        for i, (p, g) in enumerate(zip(parameters, gradients, strict=True)):
            p -= self.rate * self._direction(i, g)

    def _direction(self, i: int, g: Array) -> Array:
        if self.name == "momentum":
            self.m[i] = 0.9 * self.m[i] + g
            return self.m[i]
        if self.name == "rmsprop":
            self.v[i] = 0.9 * self.v[i] + 0.1 * g**2
            return np.asarray(g / (np.sqrt(self.v[i]) + 1e-8))
        if self.name == "adam":
            self.m[i] = 0.9 * self.m[i] + 0.1 * g
            self.v[i] = 0.999 * self.v[i] + 0.001 * g**2
            return np.asarray(self.m[i] / (1 - 0.9**self.t) / (np.sqrt(self.v[i] / (1 - 0.999**self.t)) + 1e-8))
        return g


def run(program: Program, folder: Path) -> dict[str, Any]:
    """What the program's call code finds, run in this process; its files lie in `folder`."""
    for name, text in program.files.items():
        (folder / name).write_text(text)
    modules, path = set(sys.modules), list(sys.path)
    sys.path.insert(0, str(folder))
    namespace: dict[str, Any] = {"__name__": "program"}
    try:
        with contextlib.redirect_stdout(io.StringIO()), np.errstate(all="ignore"):
            exec(compile(program.text, "program.py", "exec"), namespace)
            exec(compile(program.exercise, "exercise.py", "exec"), namespace)
    finally:
        sys.path[:] = path
        for name in set(sys.modules) - modules:
            if name in {file.removesuffix(".py") for file in program.files}:
                del sys.modules[name]
    result: dict[str, Any] = namespace["RESULT"]
    return result


def flat(pairs: list[tuple[Any, Any]], like: list[tuple[Any, Any]] | None = None) -> list[Array]:
    """W1, b1, … from pairs; a missing bias is zeros, and a bias of another shape is spread."""
    out: list[Array] = []
    for i, (W, b) in enumerate(pairs):
        weights = np.array(W, dtype=float)
        bias = np.zeros(weights.shape[1]) if b is None else np.array(b, dtype=float)
        if like is not None and like[i][1] is not None:
            bias = bias + np.zeros(np.shape(like[i][1]))
        out += [weights, bias]
    return out


def expected(what: dict[str, Any], result: dict[str, Any]) -> list[Array]:
    """What the right program would have found."""
    x, y = result["X"], result["Y"]
    parameters = flat(result["before"])
    if not what["steps"]:
        return gradient(what, parameters, x, y)
    optimizer = Optimizer(what["optimizer"], what["rate"])
    batches = [(x, y)] if what["optimizer"] != "rows" else [(x[i : i + 1], y[i : i + 1]) for i in range(len(x))]
    for _ in range(what["steps"]):
        for rows, targets in batches:
            optimizer.step(parameters, gradient(what, parameters, rows, targets))
    return parameters


def difference(program: Program, folder: Path) -> float:
    """How far, relative to the largest number, what a program finds is from what its loss demands."""
    result = run(program, folder)
    actual, right = flat(result["found"], result["before"]), expected(program.what, result)
    start = flat(result["before"]) if program.what["steps"] else [0 * p for p in right]
    scale = max(np.max(np.abs(r - s)) for r, s in zip(right, start, strict=True))
    if any(f.shape != r.shape for f, r in zip(actual, right, strict=True)):
        return float("inf")
    return float(max(np.max(np.abs(f - r)) for f, r in zip(actual, right, strict=True)) / scale)
