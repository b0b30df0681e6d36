"""Which share of starts learns xor, and how soon? The same starts by every framework, all at once.

A start has converged when its error is below 0.01. Start i is the recipe `xor` with the seed i. `run` returns the
fields of the document `impls/documents/learning.py:Starts`.
"""

from __future__ import annotations

import platform
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from samegrad.impls.checking.oracle import flatten
from samegrad.impls.documents.base import made
from samegrad.impls.errors import BadInput
from samegrad.impls.learning import recipes
from samegrad.impls.learning.progress_file import Reporter
from samegrad.impls.learning.recipes import Recipe
from samegrad.impls.learning.trainer import TRAINERS, load
from samegrad.impls.learning.training import Progress, together
from samegrad.impls.registry import get_entry

THRESHOLD = 0.01
QUANTILES = (5, 25, 50, 75, 95)
NEARLY_ALL = 0.99
"""Share of the epochs. For a start that needs more, a rounding may decide whether it converges by the last epoch."""


def measure(implementation: str, folder: str, first: int, count: int, dtype: str) -> dict[str, Any]:
    """Descend from all starts in the framework's own process: {"seconds", "needed": epochs, or −1}."""
    from samegrad.impls.learning.starts_descent import BY_IMPLEMENTATION, Descent

    load(implementation)
    recipe = recipes.load(Path(folder) / "recipe.npz")
    theta = np.stack([flatten(recipes.uniform(recipe.problem.sizes, seed)) for seed in range(first, first + count)])
    began = time.perf_counter()
    descent = Descent(
        theta=np.ascontiguousarray(theta.T, dtype),
        x=recipe.x.astype(dtype),
        y=recipe.y.astype(dtype),
        hidden=recipe.problem.sizes[1],
        rate=recipe.settings.learning_rate,
        epochs=recipe.epochs,
        threshold=THRESHOLD,
        report=Reporter(Path(folder) / f"{implementation}.progress", "converged"),
    )
    needed = BY_IMPLEMENTATION[implementation](descent)
    return {"seconds": time.perf_counter() - began, "needed": needed.tolist()}


def run(
    recipe: Recipe,
    count: int,
    implementations: Sequence[str] = tuple(TRAINERS),
    *,
    dtype: str = "float64",
    progress: Progress = lambda states: None,
) -> dict[str, Any]:
    """The same `count` starts, of seeds from the recipe's on, by all. Raises BadInput for another recipe than xor's."""
    if recipe.problem.name != "xor" or recipe.settings.name != "sgd" or recipe.batch != len(recipe.x):
        raise BadInput("--seeds counts starts of xor by plain gradient descent on the whole truth table")
    if recipe.seed + count > 2**32:
        raise BadInput(f"seeds end at 2³² − 1; {count} from {recipe.seed} on are too many")
    with tempfile.TemporaryDirectory(prefix="samegrad-") as folder:
        recipes.save(recipe, Path(folder) / "recipe.npz")
        request = {"folder": folder, "first": recipe.seed, "count": count, "dtype": dtype}
        work = {
            name: ("samegrad.impls.learning.starts:measure", {"implementation": name, **request})
            for name in implementations
        }
        answers, left_out, failed = together(work, folder, progress)
    needed = {name: np.array(answer["needed"]) for name, answer in answers.items()}
    different = _different(needed)
    return {
        "date": made(),
        "python": platform.python_version(),
        "machine": platform.machine(),
        "recipe": {**recipe.summary(), "dtype": dtype},
        "seeds": {"first": recipe.seed, "count": count},
        "threshold": THRESHOLD,
        "runs": [_summary(name, answers[name]["seconds"], found) for name, found in needed.items()],
        "different": [recipe.seed + int(start) for start in different],
        "agree": all(
            found[start] < 0 or found[start] > NEARLY_ALL * recipe.epochs
            for found in needed.values()
            for start in different
        ),
        "left_out": left_out,
        "failed": failed,
    }


def _different(needed: dict[str, Any]) -> Any:
    """The starts that converged in one and not in another."""
    if not needed:
        return []
    converged = np.stack([found >= 0 for found in needed.values()])
    return np.flatnonzero(converged.any(axis=0) != converged.all(axis=0))


def _summary(name: str, seconds: float, needed: Any) -> dict[str, Any]:
    entry, converged = get_entry(name), needed[needed >= 0]
    return {
        "implementation": name,
        "framework": entry.framework,
        "versions": entry.versions(),
        "seconds": seconds,
        "share": len(converged) / len(needed),
        "quantiles": {str(q): float(np.percentile(converged, q)) for q in QUANTILES} if len(converged) else None,
        "epochs_needed": [epochs if epochs >= 0 else None for epochs in needed.tolist()],
    }
