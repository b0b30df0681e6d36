"""Why a start that has not learned by the last epoch has not: the first of these that is true of it.

    diverged       a parameter is not finite any more
    dead           fewer than two hidden units are above 0 on any row (relu): one alone cannot compute xor
    symmetric      no two hidden units differ anywhere by more than 5 % of their range, so that all are as one
    saturated      of every row that it has wrong nothing gets through: the slope of the output, or those of all hidden
                   units, are below 1 % of the steepest, so that the error of that row moves next to no hidden weight
    descending     in the last tenth of the epochs its error fell by more than 1 %, or fell at all while it is on a
                   slope, ‖∇L‖·‖θ‖ ≥ L/10: it may learn yet
    bouncing       it is on a slope, and its error did not fall: the steps are too long for where it is
    two right, three right, four right
                   on a plateau, ‖∇L‖·‖θ‖ < L/10, with so many rows on the right side of ½ (`two right` also for fewer):
                   a minimum of the error, or a saddle that is left too slowly

‖∇L‖·‖θ‖/L is the relative change of the error for a relative change of all parameters, so that it has no unit: below
1/10 the parameters must change by 10 % to change the error by 1 %. 5 % of a range is beyond what units of weights from
N(0, 0.01²) differ by, and small enough that the output would need weights of some 20 to tell such units apart.
"""

from __future__ import annotations

import numpy as np

from samegrad.impls.learning.numpy_trainer import activate
from samegrad.impls.parameters import Array, unflatten
from samegrad.impls.problem import Problem
from samegrad.impls.studies.population import NetworksState

DIVERGED = "diverged"
KINDS = (
    *(DIVERGED, "dead", "symmetric", "saturated", "descending", "bouncing"),
    *("two right", "three right", "four right"),
)
ALIKE, FALLING, CLOSED, SLOPE = 0.05, 0.01, 0.01, 0.1
STEEPEST = {"sigmoid": 0.25, "tanh": 1.0, "relu": 1.0, "identity": 1.0}
RANGES = {"sigmoid": 1.0, "tanh": 2.0}
"""The range of an activation. For others it is the largest |activation| of the network on the four rows."""


def classify(problem: Problem, state: NetworksState, earlier: Array) -> dict[str, int]:
    """The number of networks that fail in each way. earlier: (K,), their losses a tenth of the epochs before."""
    theta, gradient, losses = (array.astype(np.float64) for array in state)
    hidden, output = unflatten(theta.T, problem.sizes)
    x, y = problem.data(4)
    h, hidden_slope = activate(problem.activations[0], x @ hidden.W + hidden.b[:, np.newaxis])  # (K, 4, width)
    a, output_slope = (array[..., 0] for array in activate("sigmoid", h @ output.W + output.b[:, np.newaxis]))  # (K, 4)

    right = abs(a - y[:, 0]) < 0.5
    closed = (output_slope < CLOSED * STEEPEST["sigmoid"]) | (
        hidden_slope < CLOSED * STEEPEST[problem.activations[0]]
    ).all(axis=2)
    is_on_slope = np.linalg.norm(gradient, axis=0) * np.linalg.norm(theta, axis=0) >= SLOPE * losses
    is_true = {
        DIVERGED: ~np.isfinite(theta).all(axis=0),
        "dead": _alive(problem, h) < 2,
        "symmetric": (np.ptp(h, axis=2) <= ALIKE * _range(problem, h)).all(axis=1),
        "saturated": (right | closed).all(axis=1) & ~right.all(axis=1),
        "descending": losses < np.where(is_on_slope, 1, 1 - FALLING) * earlier,
        "bouncing": is_on_slope,
        "two right": right.sum(axis=1) <= 2,
        "three right": right.sum(axis=1) == 3,
        "four right": np.ones(len(losses), bool),
    }
    first = np.argmax([is_true[kind] for kind in KINDS], axis=0)
    counts = np.bincount(first, minlength=len(KINDS))
    return {kind: int(count) for kind, count in zip(KINDS, counts, strict=True) if count}


def _alive(problem: Problem, h: Array) -> Array:
    """How many hidden units are not off on every row (K,)."""
    if problem.activations[0] != "relu":
        return np.full(len(h), np.inf)
    return (h > 0).any(axis=1).sum(axis=1)


def _range(problem: Problem, h: Array) -> Array:
    """The hidden units' range (K, 1)."""
    known = RANGES.get(problem.activations[0])
    return np.full((len(h), 1), known) if known else abs(h).max(axis=(1, 2))[:, np.newaxis]
