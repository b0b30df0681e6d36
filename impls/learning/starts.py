"""Which share of starts learns xor, and how soon? The same starts by every framework, all of them at once.

Start i is the recipe `xor` with the seed i. All starts are one task of as many networks, trained by the implementations
that are measured, in their `train_loop`; the gate checks the first step of every start. The errors are looked at every
`LOOK` epochs, and after the last: a start has converged when its error is below 0.01 there.
`run` returns the fields of the document `impls/documents/learning.py:Starts`.
"""

from __future__ import annotations

import platform
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from samegrad.impls.checking.agreement import Reference, require
from samegrad.impls.documents.base import made
from samegrad.impls.errors import BadInput
from samegrad.impls.learning import recipes
from samegrad.impls.learning.progress_file import Reporter
from samegrad.impls.learning.recipes import Recipe
from samegrad.impls.learning.training import Progress, together
from samegrad.impls.parameters import Layer
from samegrad.impls.registry import get_entry
from samegrad.impls.task import Task

STARTERS = ("numpy-networks", "tensorflow-networks", "torch-networks", "jax-networks", "c-floor")
"""The implementations that train the starts: of each framework the fastest for several networks, and the floor."""
THRESHOLD = 0.01
LOOK = 10
"""The number of epochs between two looks at the errors."""
QUANTILES = (5, 25, 50, 75, 95)
NEARLY_ALL = 0.99
"""Share of the epochs. For a start that needs more, a rounding may decide whether it converges by the last epoch."""


def measure(implementation: str, folder: str, first: int, count: int, dtype: str) -> dict[str, Any]:
    """Train all starts in the framework's own process: {"seconds", without compiling, "needed": epochs, or −1}."""
    recipe = recipes.load(Path(folder) / "recipe.npz")
    drawn = [recipes.uniform(recipe.problem.sizes, seed) for seed in range(first, first + count)]
    parameters = [Layer(*map(np.stack, zip(*layers, strict=True))) for layers in zip(*drawn, strict=True)]
    task = Task(recipe.problem, parameters, len(recipe.x), dtype)
    kind, rate = get_entry(implementation).load(), recipe.settings.learning_rate
    kind.set_threads(1)
    subject = kind()
    subject.prepare(task)
    stepped = subject.to_numpy(subject.train_loop(rate, 1))
    require(Reference.of(task).agree("train_step", stepped, rate), implementation=implementation, case="these starts")

    report = Reporter(Path(folder) / f"{implementation}.progress", "converged")
    needed = np.where(stepped[0] < THRESHOLD, 0, -1)
    began_s = time.perf_counter()
    for before in range(0, recipe.epochs, LOOK):
        epoch = min(before + LOOK, recipe.epochs)
        losses, _ = subject.to_numpy(subject.train_loop(rate, epoch - before))
        needed[(needed < 0) & (losses < THRESHOLD)] = epoch
        report(epoch, float(np.mean(needed >= 0)))
        if (needed >= 0).all():
            break
    return {"seconds": time.perf_counter() - began_s, "needed": needed.tolist()}


def run(
    recipe: Recipe,
    count: int,
    implementations: Sequence[str] = STARTERS,
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
        "runs": [_summary(name, answers[name]["seconds"], epochs) for name, epochs in needed.items()],
        "different": [recipe.seed + int(start) for start in different],
        "agree": all(
            epochs[start] < 0 or epochs[start] > NEARLY_ALL * recipe.epochs
            for epochs in needed.values()
            for start in different
        ),
        "left_out": left_out,
        "failed": failed,
    }


def _different(needed: dict[str, Any]) -> Any:
    """The starts that converged in one and not in another."""
    if not needed:
        return []
    converged = np.stack([epochs >= 0 for epochs in needed.values()])
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
