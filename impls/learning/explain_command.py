"""The command `samegrad explain`: the four steps of backpropagation with their equations and numbers."""

from __future__ import annotations

import sys
from typing import Any

import click

from samegrad.impls.console.options import Finite
from samegrad.impls.errors import BadInput


@click.command("explain", context_settings={"max_content_width": 80})
@click.argument("network", metavar="slides|xor")
@click.option("--x", metavar="NUMBERS", help="One row of inputs instead, comma-separated.")
@click.option("--y", metavar="NUMBERS", help="Its targets.")
@click.option("--learning-rate", type=Finite(min=0, min_open=True), help="On the mean squared error.")
@click.option("--digits", default=6, show_default=True, type=click.IntRange(1, 17))
@click.option("--check/--no-check", default=True, help="Compare every quantity with autodiff.  [default: check]")
def explain_command(
    network: str, x: str | None, y: str | None, learning_rate: float | None, digits: int, check: bool
) -> None:
    """Backpropagation step by step: output delta, hidden delta, weight gradients, update.

    Every number is checked against the complex step and each installed framework's autodiff. Exit status 1 where one
    disagrees.
    """
    from rich.console import Console

    from samegrad.impls.console.steps import Steps
    from samegrad.impls.learning import explain

    recipe = explain.get_recipe(network, _numbers("--x", x), _numbers("--y", y), learning_rate)
    console = Console(highlight=False)
    steps = explain.steps(recipe)
    _show(console, recipe, steps, digits)
    if check:
        with Steps(brief=True) as say:
            say("holding every number against autodiff")
            rows, left_out = explain.check(recipe, steps)
        _show_check(console, [step.name for step in steps], rows, left_out)
        sys.exit(0 if all(row["agrees"] for row in rows) else 1)


def _numbers(option: str, text: str | None) -> list[float] | None:
    if text is None:
        return None
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise BadInput(f"{option} takes numbers separated by commas, such as 1,0.5; found {text!r}") from None


def _show(console: Any, recipe: Any, steps: Any, digits: int) -> None:
    sizes = "-".join(map(str, recipe.problem.sizes))
    biases = "" if recipe.biases else " without biases"
    console.print(f"[bold]{recipe.problem.name}[/]: {sizes}{biases}, sigmoid, λ = {recipe.settings.learning_rate:g}")
    console.print("Rows are samples; W has one row per input and one column per unit.\n")
    for name, value in (("x", recipe.x), ("y", recipe.y)):
        _print(console, name, value, digits)
    for number, (W, b) in zip("₁₂", recipe.parameters, strict=True):
        _print(console, f"W{number}", W, digits)
        if recipe.biases:
            _print(console, f"b{number}", b, digits)
    title = None
    for step in steps:
        if step.title != title:
            title = step.title
            console.print(f"\n[bold]{f'Step {step.number}: ' if step.number else ''}{title}[/]")
        _print(console, step.equation, step.value, digits)


def _print(console: Any, left: str, value: Any, digits: int) -> None:
    """Print an equation and its numbers below, a row per line; a single number goes on the equation's line."""
    import numpy as np

    value = np.asarray(value)
    if value.size == 1:
        console.print(f"  {left} = {value.item():.{digits}g}", markup=False)
        return
    console.print(f"  {left} =", markup=False)
    rows = [[f"{number:.{digits}g}" for number in row] for row in np.atleast_2d(value)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        console.print("      " + "  ".join(f"{cell:>{w}}" for cell, w in zip(row, widths, strict=True)), markup=False)


def _show_check(console: Any, quantities: list[str], rows: list[dict[str, Any]], left_out: dict[str, str]) -> None:
    from rich.text import Text

    from samegrad.impls.console.terminal_table import table

    by_place = {(row["quantity"], row["against"]): row for row in rows}
    names = list(dict.fromkeys(row["against"] for row in rows))

    def cell(quantity: str, name: str) -> Text:
        row = by_place.get((quantity, name))
        return Text(f"{row['difference']:.1e}", "" if row["agrees"] else "bold red") if row else Text()

    lines: list[list[Any]] = [[quantity, *(cell(quantity, name) for name in names)] for quantity in quantities]
    title = "Largest difference from autodiff, quantity by quantity, float64"
    console.print("", table(title, ["quantity", *names], lines), sep="\n")
    for name, reason in left_out.items():
        console.print(f"left out: {name}: {reason}", markup=False, style="dim")
    wrong = [f"{row['quantity']} ({row['against']})" for row in rows if not row["agrees"]]
    if wrong:
        console.print(f"More than rounding: {', '.join(wrong)}", style="bold red")
    else:
        console.print("Every quantity is what autodiff computes, to the last digits.", style="bold green")
