"""One recipe, trained by every implementation, each in its own process with one thread, and their curves compared.

`run` returns the fields of the document `impls/documents/learning.py:Training`. A training is `explained` if its
losses, its parameters and its last predictions are never farther from the reference than `allowed` times the shadows'
spread. That is judged up to `comparable_until`: where rounding alone moves a loss by a hundredth of it, amplification
has left nothing to compare.
"""

from __future__ import annotations

import json
import platform
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from os import cpu_count
from pathlib import Path
from typing import Any

import numpy as np

from samegrad.impls.child import Failed, call, kill_all
from samegrad.impls.documents.base import made
from samegrad.impls.errors import BadInput, Unavailable
from samegrad.impls.learning import recipes, shadows
from samegrad.impls.learning.progress_file import REPORT_EVERY_S, Reporter
from samegrad.impls.learning.recipes import Recipe
from samegrad.impls.learning.trainer import TRAINERS, Setup, Trainer, load
from samegrad.impls.parameters import Array, vector
from samegrad.impls.registry import REGISTRY, get_entry
from samegrad.impls.task import Task

ALLOWED = 10.0
"""Times the shadows' spread, as in `checking.drift`: a shadow makes one rounding per gradient, a program one per
operation; right ones were seen at up to 3.0 (xor, line and slides with every optimizer in float64 and float32, 2.6 in
the latter; stock with Adam in float64)."""
INCOMPARABLE = 0.01
TIMEOUT_S = 3600.0

Progress = Callable[[dict[str, dict[str, Any]]], None]
Work = dict[str, tuple[str, dict[str, Any]]]
"""{name: (the function "module:name", its arguments)}"""


def train(implementation: str, folder: str, dtype: str, shipped: bool, threads: int = 1) -> dict[str, Any]:
    """Train the recipe in `folder`, in the process that owns the framework: {"seconds"}.

    Leaves <implementation>.npz there: theta (marks, count), losses (marks,) and predictions (questions, outputs).
    """
    return descend(load(implementation, threads).TRAINER, implementation, Path(folder), dtype, shipped)


def descend(kind: type[Trainer], name: str, folder: Path, dtype: str, shipped: bool = False) -> dict[str, Any]:
    """Train the folder's recipe by this class of trainer; returns {"seconds"}."""
    recipe = recipes.load(folder / "recipe.npz")
    task = Task(recipe.problem, recipe.parameters, recipe.batch, dtype)
    trainer = kind(Setup(task, recipe.settings, recipe.biases, shipped))
    x, y = recipe.x.astype(dtype), recipe.y.astype(dtype)
    report, kept, losses = Reporter(folder / f"{name}.progress"), list[Array](), list[np.floating]()

    def mark(epoch: int) -> None:
        kept.append(vector(trainer.parameters()))
        losses.append(np.mean((trainer.predict(x).astype(np.float64) - y) ** 2))
        report(epoch, float(losses[-1]))

    began = time.perf_counter()
    recipe.descend(mark, lambda rows: trainer.step(*trainer.place(x[rows], y[rows])))
    seconds = time.perf_counter() - began
    predictions = trainer.predict(recipe.asked.astype(dtype))
    recipes.save_arrays(folder / f"{name}.npz", theta=kept, losses=losses, predictions=predictions)
    return {"seconds": seconds}


def run(
    recipe: Recipe,
    implementations: Sequence[str] = tuple(TRAINERS),
    *,
    dtype: str = "float64",
    shipped: bool = False,
    progress: Progress = lambda states: None,
) -> dict[str, Any]:
    """Train the recipe in every implementation, and compare the curves; returns the document's fields.

    `progress` gets {name: {"stage", "epoch", "loss"}} several times a second meanwhile.
    Raises BadInput where a loss does not stay finite, Unavailable where nothing could be trained.
    """
    with tempfile.TemporaryDirectory(prefix="samegrad-") as folder:
        recipes.save(recipe, Path(folder) / "recipe.npz")
        request = {"folder": folder, "dtype": dtype}
        work: Work = {"shadows": ("samegrad.impls.learning.shadows:save", request)}
        for name in implementations:
            work[name] = (
                "samegrad.impls.learning.training:train",
                {**request, "implementation": name, "shipped": shipped},
            )
        answers, left_out, failed = together(work, folder, progress)
        if "shadows" in failed:
            raise Unavailable(f"the reference could not be trained: {failed['shadows']}")
        arrays = {name: dict(np.load(Path(folder) / f"{name}.npz", allow_pickle=False)) for name in answers}
    reference = arrays.pop("shadows")
    for name in [name for name, curve in arrays.items() if not np.isfinite(curve["losses"]).all()]:
        failed[name] = _end_of_numbers(recipe, arrays.pop(name)["losses"])
    if not (arrays and np.isfinite(reference["losses"]).all()):
        raise BadInput(f"the loss does not stay finite at learning rate {recipe.settings.learning_rate:g}; lower it")
    return {
        "date": made(),
        "python": platform.python_version(),
        "machine": platform.machine(),
        "recipe": {**recipe.summary(), "dtype": dtype, "as_shipped": shipped},
        "facts": {"asked": recipe.asked.tolist(), **recipe.facts},
        "epochs": recipe.marks(),
        "reference": {"losses": reference["losses"].tolist()},
        "shadows": {
            "count": shadows.SHADOWS,
            "allowed": ALLOWED,
            "comparable_until": comparable_until(recipe.marks(), reference),
            **{name: reference[name].tolist() for name in ("loss_spread", "distance_spread", "prediction_spread")},
        },
        "runs": [_compared(name, answers[name], curve, reference) for name, curve in arrays.items()],
        "left_out": left_out,
        "failed": failed,
    }


def together(work: Work, folder: str, progress: Progress) -> tuple[dict[str, Any], dict[str, str], dict[str, str]]:
    """Call each name's function with its arguments, each in its own process, as many at a time as there are cores.

    Returns the answers, why some names could not be called here, and how others failed. `progress` gets meanwhile what
    they report, and at which stage each is: waiting, running, done or failed. Raises Unavailable where no
    implementation gave an answer.
    """
    left_out = {name: reason for name in work if name in REGISTRY and (reason := get_entry(name).missing())}
    with ThreadPoolExecutor(max_workers=cpu_count()) as pool:
        futures: dict[str, Future] = {
            name: pool.submit(call, target, arguments, timeout_s=TIMEOUT_S)
            for name, (target, arguments) in work.items()
            if name not in left_out
        }
        try:
            while wait(futures.values(), timeout=REPORT_EVERY_S).not_done:
                progress({name: _state(future, Path(folder) / f"{name}.progress") for name, future in futures.items()})
        except KeyboardInterrupt:
            pool.shutdown(wait=False, cancel_futures=True)  # what has not begun must not begin now
            kill_all()
            raise
        progress({name: _state(future, Path(folder) / f"{name}.progress") for name, future in futures.items()})
    answers, failed = {}, {}
    for name, future in futures.items():
        try:
            answers[name] = future.result()
        except Unavailable as reason:
            left_out[name] = str(reason)
        except Failed as reason:
            failed[name] = str(reason)
    if not set(answers) & set(REGISTRY):
        reasons = "; ".join(f"{name}: {reason}" for name, reason in {**left_out, **failed}.items())
        raise Unavailable(f"no implementation could train ({reasons})")
    return answers, left_out, failed


def _end_of_numbers(recipe: Recipe, losses: Array) -> str:
    """A sentence on the epoch from which a training's loss is no number."""
    epoch = recipe.marks()[np.flatnonzero(~np.isfinite(losses))[0]]
    centered = ", once v − m² has rounded to less than 0" if recipe.settings.name == "rmsprop-centered" else ""
    return f"its loss is no number from epoch {epoch:,} on{centered}"


def _state(future: Future, path: Path) -> dict[str, Any]:
    """{"stage"}, and what was last reported."""
    if future.done():
        stage = "failed" if future.cancelled() or future.exception() else "done"
    else:
        stage = "running" if future.running() else "waiting"
    return {"stage": stage, **(json.loads(path.read_bytes()) if path.exists() else {})}


def comparable_until(marks: Sequence[int], reference: dict[str, Array]) -> int:
    """The last mark before rounding alone moves the loss by a hundredth of it."""
    return marks[max(1, _comparable(reference)) - 1]


def _comparable(reference: dict[str, Array]) -> int:
    """How many marks there are before that."""
    drowned = np.flatnonzero(reference["loss_spread"] > INCOMPARABLE * reference["losses"])
    return int(drowned[0]) if len(drowned) else len(reference["losses"])


def times_shadow(curve: dict[str, Array], reference: dict[str, Array]) -> float:
    """The largest distance of a training from the reference in shadows' spreads, as far as it can be compared."""
    until = _comparable(reference)
    difference = abs(curve["losses"] - reference["losses"])
    distance = abs(curve["theta"] - reference["theta"]).max(axis=1)
    ratios = [(difference / reference["loss_spread"])[:until], (distance / reference["distance_spread"])[:until]]
    if until == len(difference):
        ratios.append(abs(curve["predictions"] - reference["predictions"]) / reference["prediction_spread"])
    return float(max((ratio.max() for ratio in ratios if ratio.size), default=0.0))


def _compared(
    name: str, answer: dict[str, Any], curve: dict[str, Array], reference: dict[str, Array]
) -> dict[str, Any]:
    """A run's entry in the document."""
    entry, times = get_entry(name), times_shadow(curve, reference)
    return {
        "implementation": name,
        "framework": entry.framework,
        "versions": entry.versions(),
        **answer,
        "losses": curve["losses"].tolist(),
        "loss_difference": abs(curve["losses"] - reference["losses"]).tolist(),
        "distance": abs(curve["theta"] - reference["theta"]).max(axis=1).tolist(),
        "parameters": curve["theta"][-1].tolist(),
        "predictions": curve["predictions"].astype(np.float64).tolist(),
        "prediction_difference": float(abs(curve["predictions"] - reference["predictions"]).max()),
        "times_shadow": times,
        "explained": bool(times <= ALLOWED),
    }
