"""A training as tables for the terminal: losses as they fell, predictions, and how far apart the frameworks are."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from samegrad.impls.console.terminal_table import left_out, table
from samegrad.impls.documents.learning import Training


def render(training: Training) -> RenderableType:
    """All tables of a training, and the verdict."""
    ends = _errors(training) if training.recipe.problem == "stock" else _predictions(training)
    is_same = all(run.explained for run in training.runs)
    verdict = Text(training.verdict, "bold green" if is_same else "bold red")
    return Group(_losses(training), ends, _agreement(training), *left_out(training), verdict)


def _losses(training: Training) -> RenderableType:
    recipe, runs = training.recipe, training.runs
    optimizer = recipe.optimizer
    title = (
        f"{recipe.problem}, {recipe.dtype}: mean squared error; {optimizer.name}, "
        f"learning rate {optimizer.learning_rate:g}, {recipe.rows} rows, batch {recipe.batch}"
    )
    width = max(len(f"{epoch:,}") for epoch in training.epochs)
    rows = [
        [f"{epoch:>{width},}", *(f"{run.losses[row]:.6f}" for run in runs)]
        for row, epoch in enumerate(training.epochs)
        if epoch % recipe.shown_every == 0 or epoch == training.epochs[-1]
    ]
    return table(title, ["epoch", *(run.implementation for run in runs)], rows)


def _predictions(training: Training) -> RenderableType:
    facts, runs = training.facts, training.runs
    is_line = "least_squares" in facts
    headings = ["input", "target", *(run.implementation for run in runs), *(["least squares"] if is_line else [])]
    rows = [
        [
            _numbers(asked, "g"),
            _numbers(facts["targets"][number], "g") if "targets" in facts else "–",
            *(_numbers(run.predictions[number], ".6f") for run in runs),
            *([f"{facts['least_squares'][number]:.6f}"] if is_line else []),
        ]
        for number, asked in enumerate(facts["asked"])
    ]
    return table("Predictions at the end", headings, rows)


def _errors(training: Training) -> RenderableType:
    """The table of errors on the rows left out of training, in scaled and in price units, beside the baselines."""
    facts = training.facts
    title = f"{facts['source']}: {facts['held_out_rows']} rows held out ({facts['split']} split)"
    errors = {run.implementation: run.held_out or {} for run in training.runs} | facts["baselines"]
    mean = facts["baselines"]["mean of the training part"]["scaled_mse"]
    rows = [
        [name, f"{error['scaled_mse']:.9g}", f"{error['price_rmse']:.6g}", f"{error['scaled_mse'] / mean:.2%}"]
        for name, error in errors.items()
    ]
    return table(title, ["", "MSE, scaled", "RMSE, price", "of the mean's"], rows)


def _agreement(training: Training) -> RenderableType:
    spread = training.shadows
    rows: list[list[str | Text]] = [
        [
            run.implementation,
            f"{max(run.loss_difference):.1e} ({spread.loss_spread[-1]:.1e})",
            f"{max(run.distance):.1e} ({spread.distance_spread[-1]:.1e})",
            Text(f"{run.times_shadow:.2g}×", style="" if run.explained else "bold red"),
            f"{run.seconds:.1f}",
        ]
        for run in training.runs
    ]
    title = "How far from the reference; in parentheses, and as ×, how far rounding alone leads"
    return table(title, ["implementation", "loss", "parameters", "of rounding", "s"], rows)


def _numbers(values: Sequence[float], form: str) -> str:
    return " ".join(f"{value:{form}}" for value in values)
