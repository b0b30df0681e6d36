"""The reference of a training, and its shadows: how far apart are trainings that differ by nothing but roundings?

The reference is the textbook in the widest floating point that NumPy has here (80 bits on x86), from the same weights,
on the same minibatches. A shadow is the textbook in the dtype, each of its gradients perturbed by one rounding, drawn
at random. Shadows have no errors, so their spread around the reference is what rounding becomes after training has
amplified it: the distance that two right implementations may have.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from samegrad.impls.checking.bound import arithmetic
from samegrad.impls.learning import numpy_trainer, optimizers, recipes
from samegrad.impls.learning.progress_file import Reporter
from samegrad.impls.learning.recipes import Recipe
from samegrad.impls.parameters import Array, vector

SHADOWS = 10
WIDEST = np.longdouble

Perturb = Callable[[Array], Array]
Progress = Callable[[int, float], None]


def descend(
    recipe: Recipe, theta: Array, dtype: Any, perturb: Perturb = lambda g: g, progress: Progress = lambda *_: None
) -> tuple[Array, Array]:
    """Train θ: (…, count) by the textbook: θ (marks, …, count) and losses (marks, …) at the recipe's marks.

    x and y come as `recipe.as_received` gives them, and are then taken in the dtype of θ.
    """
    x, y, _ = recipe.as_received(dtype)
    rows_x, rows_y = x.astype(theta.dtype), y.astype(theta.dtype)
    optimizer, kept, losses = optimizers.make(recipe.settings), list[Array](), list[Array]()

    def mark(epoch: int) -> None:
        kept.append(theta)
        residual = numpy_trainer.predict(theta, recipe.problem, rows_x).astype(np.float64) - y
        losses.append((residual**2).mean(axis=(-1, -2)))
        progress(epoch, float(losses[-1].flat[0]))

    def step(rows: NDArray[np.integer]) -> None:
        nonlocal theta
        g = numpy_trainer.gradient(theta, recipe.problem, rows_x[rows], rows_y[rows], recipe.biases)
        theta = optimizer.step(theta, perturb(g))

    recipe.descend(mark, step)
    return np.stack(kept), np.stack(losses)


def measure(recipe: Recipe, dtype: str, progress: Progress = lambda *_: None) -> dict[str, Array]:
    """The reference's "theta" (marks, count), "losses" (marks,) and "predictions" where the recipe asks, at the end.

    And the shadows' "loss_spread", "distance_spread" and "prediction_spread". A spread (marks,) is the largest distance
    of any shadow so far, and at least one rounding of the loss or the largest parameter: no computation can be
    closer than that.
    """
    _, _, parameters = recipe.as_received(dtype)
    start = vector(parameters)
    theta, losses = descend(recipe, start.astype(WIDEST), dtype)

    u, random = arithmetic(dtype).u, np.random.default_rng(recipe.seed)

    def one_rounding(g: Array) -> Array:
        return (g * (1 + u * random.uniform(-1, 1, g.shape))).astype(dtype)

    many = np.broadcast_to(start.astype(dtype), (SHADOWS, start.size))
    shadows, shadow_losses = descend(recipe, many, dtype, one_rounding, progress)
    asked = recipe.asked.astype(dtype)
    predictions = numpy_trainer.predict(theta[-1], recipe.problem, asked.astype(WIDEST))
    of_shadows = numpy_trainer.predict(shadows[-1], recipe.problem, asked)
    return {
        "theta": theta.astype(np.float64),
        "losses": losses,
        "predictions": predictions.astype(np.float64),
        "prediction_spread": np.array(max(abs(of_shadows - predictions).max(), u * abs(predictions).max()), np.float64),
        "loss_spread": spread(shadow_losses - losses[:, np.newaxis], u * losses),
        "distance_spread": spread((shadows - theta[:, np.newaxis]).reshape(len(theta), -1), u * abs(theta).max(axis=1)),
    }


def spread(differences: Array, least: Array) -> Array:
    """The largest |difference| up to each mark, of (marks, …), and never below `least`: (marks,)."""
    farthest = np.maximum(abs(differences).max(axis=1), least)
    return np.maximum.accumulate(farthest).astype(np.float64)


def save(folder: str, dtype: str) -> dict[str, Any]:
    """Measure the recipe in that folder and leave the arrays in shadows.npz there; for a process of its own."""
    place = Path(folder)
    recipe = recipes.load(place / "recipe.npz")
    recipes.save_arrays(place / "shadows.npz", **measure(recipe, dtype, Reporter(place / "shadows.progress")))
    return {}
