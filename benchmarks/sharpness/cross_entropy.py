"""The same count for the cross-entropies: mistakes that are planted and missed, and right code that is called wrong.

A 2-4-1 network with a sigmoid and a 2-4-2 network with a softmax, tanh hidden units, on the truth table.
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from samegrad.benchmarks.sharpness.planted import RATE, X, Y
from samegrad.impls.checking.agreement import allowance
from samegrad.impls.checking.oracle import evaluate
from samegrad.impls.parameters import Array, Parameters, initial, rounded, tensors
from samegrad.impls.problem import BINARY_CROSS_ENTROPY, CROSS_ENTROPY, Problem
from samegrad.impls.verifying import mutants
from samegrad.impls.verifying.mistakes import bank
from samegrad.impls.verifying.mutants import Mistake

NETWORKS = (
    Problem("binary", (2, 4, 1), ("tanh", "sigmoid"), lambda batch, seed: (X, Y), BINARY_CROSS_ENTROPY),
    Problem("classes", (2, 4, 2), ("tanh", "softmax"), lambda batch, seed: (X, np.hstack([Y, 1 - Y])), CROSS_ENTROPY),
)
LOGIC = (
    "sign", "b1-missing", "b2-missing", "biases-missing", "slope-none-hidden", "slope-of-z-hidden",
    "slope-of-a-hidden", "slope-of-sigmoid-hidden", "slope-just-a-hidden", "slope-extra-output", "back-updated-first",
    "back-without-weights", "back-elementwise-weights", "W1-reshaped", "W2-from-z", "W1-missing", "biases-averaged",
    "b1-averaged", "b1-scalar", "b1-from-above", "last-row-only", "rate-folded-in", "averaged-twice",
)  # fmt: skip
SCALES = (1.0, 10.0)
RIGHT_SCALES = (1.0, 10.0, 100.0)


def measure(networks: int) -> dict[str, Any]:
    """How many planted mistakes are missed at each scale, and how much right code is called wrong."""
    missed = dict.fromkeys((f"{scale:g}" for scale in SCALES), 0)
    planted = alarms = right = 0
    for problem, seed in itertools.product(NETWORKS, range(networks)):
        for scale in SCALES:
            parameters = initial(problem.sizes, seed, scale)
            for mistake in (m for m in bank(problem.activations) if m.name in LOGIC and m.loss in ("", problem.loss)):
                planted += 1
                missed[f"{scale:g}"] += accepts(problem, parameters, _wrong(problem, parameters, mistake), "float64")
        for scale, dtype in itertools.product(RIGHT_SCALES, ("float32", "float64")):
            parameters = rounded(rounded(initial(problem.sizes, seed, scale), dtype), "float64")
            right += 1
            alarms += not accepts(problem, parameters, _right(problem, parameters, dtype), dtype)
    return {"planted_per_scale": planted // len(SCALES), "missed": missed, "right_code": right, "false_alarms": alarms}


def accepts(problem: Problem, parameters: Parameters, gradients: dict[str, Array], dtype: str) -> bool:
    """Are all gradients within the bound of the oracle's?"""
    x, y = problem.data(4)
    truth = tensors(evaluate(problem, parameters, x, y).gradients)
    bound = tensors(allowance(problem, parameters, x, y, dtype).gradients)
    return all(bool(np.all(abs(gradients[name] - truth[name]) <= bound[name])) for name in truth)


def _wrong(problem: Problem, parameters: Parameters, mistake: Mistake) -> dict[str, Array]:
    x, y = problem.data(4)
    wrong = mutants.gradients(problem.activations, parameters, x, y, mistake.steps(), rate=RATE, loss=problem.loss)
    shapes = {name: tensor.shape for name, tensor in tensors(parameters).items()}
    if wrong is None:
        return {name: np.full(shape, np.inf) for name, shape in shapes.items()}
    return {name: np.broadcast_to(wrong[name].value, shape) for name, shape in shapes.items()}


def _right(problem: Problem, parameters: Parameters, dtype: str) -> dict[str, Array]:
    """A right pass as people write it, in the dtype."""
    (W1, b1), (W2, b2) = ([p.astype(dtype) for p in layer] for layer in parameters)
    x, y = (array.astype(dtype) for array in problem.data(4))
    h = np.tanh(x @ W1 + b1)
    z = h @ W2 + b2
    with np.errstate(over="ignore"):
        e = np.exp(z - z.max(axis=1, keepdims=True))
        a = 1 / (1 + np.exp(-z)) if problem.loss == BINARY_CROSS_ENTROPY else e / e.sum(axis=1, keepdims=True)
    d2 = (a - y) / np.asarray(y.size, dtype)
    d1 = d2 @ W2.T * (1 - h * h)
    return {"W1": x.T @ d1, "b1": d1.sum(axis=0), "W2": h.T @ d2, "b2": d2.sum(axis=0)}
