"""Closed loop: every framework trains with every aligned optimizer. Is each curve within what rounding becomes?

In open loop (`open_loop.py`) the gradients are given and nothing is amplified; here each optimizer meets the gradients
that its own steps lead to. Measured as `training.py` measures: against the textbook in extended precision, in units of
the spread of its shadows, which differ by one rounding per gradient.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from samegrad.impls.errors import Unavailable, choose
from samegrad.impls.learning import recipes, shadows, training
from samegrad.impls.learning.optimizers import OPTIMIZERS
from samegrad.impls.learning.progress_file import count_done
from samegrad.impls.learning.recipes import RECIPES, Recipe
from samegrad.impls.learning.trainer import TRAINERS, load
from samegrad.impls.problem import DTYPES, SEED

EPOCHS = 1000
"""The most epochs that the command trains; `line` has 100, of ten steps each."""


def measure(implementation: str, folder: str, dtype: str) -> int:
    """Train every recipe below `folder`, in the process that owns the framework: how many there were."""
    kind = load(implementation).TRAINER
    return _each(folder, implementation, lambda place: training.descend(kind, implementation, place, dtype))


def measure_shadows(folder: str, dtype: str) -> int:
    """The reference and the shadows of every recipe below `folder`: how many there were."""
    return _each(folder, "shadows", lambda place: shadows.save(str(place), dtype))


def _each(folder: str, name: str, work: Callable[[Path], object]) -> int:
    """Call `work` on the folder of each recipe, report progress, and return how many there are."""
    below = sorted(path.parent for path in Path(folder).glob("*/recipe.npz"))
    for number, place in enumerate(below, start=1):
        work(place)
        count_done(folder, name, number)
    return len(below)


def run(
    implementations: Sequence[str] = tuple(TRAINERS),
    *,
    names: Sequence[str] = tuple(OPTIMIZERS),
    problems: Sequence[str] = tuple(RECIPES),
    epochs: int,
    seed: int = SEED,
    dtype: str = "float64",
    progress: training.Progress = lambda states: None,
) -> dict[str, Any]:
    """Train each problem's recipe with each optimizer, up to `epochs`; return the fields of `ClosedLoops`.

    `progress` gets {name: {"stage", "epoch"}} meanwhile, of which "epoch" counts trainings. Raises BadInput for unknown
    names, Unavailable where no framework gave an answer.
    """
    choose("dtype", dtype, DTYPES)
    asked = {f"{problem} {name}": _recipe(problem, name, epochs, seed) for problem in problems for name in names}
    with tempfile.TemporaryDirectory(prefix="samegrad-") as folder:
        for title, recipe in asked.items():
            (Path(folder) / title).mkdir()
            recipes.save(recipe, Path(folder) / title / "recipe.npz")
        request = {"folder": folder, "dtype": dtype}
        work: training.Work = {"shadows": ("samegrad.impls.learning.closed_loop:measure_shadows", request)}
        for name in implementations:
            work[name] = ("samegrad.impls.learning.closed_loop:measure", {"implementation": name, **request})
        answers, left_out, failed = training.together(work, folder, progress)
        if "shadows" in failed:
            raise Unavailable(f"the references could not be trained: {failed['shadows']}")
        rows = [row for title, recipe in asked.items() for row in _rows(recipe, Path(folder) / title, answers)]
    how = {"names": list(names), "problems": list(problems), "epochs": epochs, "seed": seed, "dtype": dtype}
    return {
        "settings": {**how, "allowed": training.ALLOWED},
        "rows": rows,
        "left_out": left_out,
        "failed": failed,
    }


def _recipe(problem: str, name: str, epochs: int, seed: int) -> Recipe:
    recipe = recipes.changed(recipes.get_recipe(problem, seed), name)
    return recipes.changed(recipe, epochs=min(epochs, recipe.epochs))


def _rows(recipe: Recipe, folder: Path, names: Iterable[str]) -> list[dict[str, Any]]:
    """A row for each implementation that has left its curve in the folder."""
    curves = {name: dict(np.load(folder / f"{name}.npz", allow_pickle=False)) for name in names}
    reference = curves.pop("shadows")
    about = {
        "problem": recipe.problem.name,
        "optimizer": recipe.settings.name,
        "learning_rate": recipe.settings.learning_rate,
        "epochs": recipe.epochs,
        "comparable_until": training.comparable_until(recipe.marks(), reference),
    }
    return [
        {**about, "implementation": name, "times_shadow": training.times_shadow(curve, reference)}
        for name, curve in curves.items()
    ]
