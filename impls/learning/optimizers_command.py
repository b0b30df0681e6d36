"""The command `samegrad optimizers`: each framework's optimizers beside the textbook, as shipped and aligned."""

from __future__ import annotations

import sys
from typing import Any

import click

from samegrad.impls.console.options import Finite, json_option
from samegrad.impls.problem import DTYPES

SAME_TRAINING = "the same training, to what rounding becomes"
SAME_FUNCTION = "the textbook's function, to the last digits"


@click.command("optimizers")
@click.option("--implementations", default="all", show_default=True, help="Names or patterns, comma-separated.")
@click.option("--optimizer", "names", default="all", show_default=True, help="Names, comma-separated.")
@click.option("--learning-rate", default=0.01, show_default=True, type=Finite(min=0, min_open=True))
@click.option("--steps", default=100, show_default=True, type=click.IntRange(1, 10**5))
@click.option("--seed", default=42, show_default=True, type=click.IntRange(min=0), help="Of start and gradients.")
@click.option("--dtype", default="float64", show_default=True, type=click.Choice(DTYPES))
@click.option("--closed-loop", is_flag=True, help="Train with each, to see what their differences become.")
@json_option("reports/optimizers/…, or reports/closed_loops")
def optimizers_command(
    implementations: str,
    names: str,
    learning_rate: float,
    steps: int,
    seed: int,
    dtype: str,
    closed_loop: bool,
    asked: str | None,
) -> None:
    """The same gradients fed to every framework's optimizers: where do they part, and why?

    With --closed-loop each trains xor, line and slides instead, at the recipes' rates and for 1,000 epochs at most.
    Exit status 1 where an aligned one is not the textbook's function.
    """
    from rich.console import Console
    from rich.text import Text

    from samegrad.impls.documents.optimizers import ClosedLoops, Optimizers
    from samegrad.impls.documents.saving import deliver, place
    from samegrad.impls.learning import closed_loop as closed
    from samegrad.impls.learning import open_loop
    from samegrad.impls.learning import optimizer_tables as tables
    from samegrad.impls.learning.live import Live
    from samegrad.impls.learning.optimizers import OPTIMIZERS
    from samegrad.impls.learning.recipes import RECIPES
    from samegrad.impls.learning.trainer import select

    chosen = select(implementations)
    path = place(ClosedLoops if closed_loop else Optimizers, asked)
    document: Optimizers | ClosedLoops
    optimizers = list(OPTIMIZERS) if names == "all" else [name.strip() for name in names.split(",")]
    how: dict[str, Any] = {"names": optimizers, "seed": seed, "dtype": dtype}
    if closed_loop:
        with Live(Console(stderr=True), ["shadows", *chosen], len(optimizers) * len(RECIPES), unit="training") as live:
            loops = ClosedLoops.of(closed.run(chosen, epochs=closed.EPOCHS, progress=live.show, **how))
        document, shown, right = loops, [tables.closed(loops)], SAME_TRAINING
    else:
        with Live(Console(stderr=True), chosen, len(optimizers), unit="optimizer") as live:
            result = open_loop.run(chosen, learning_rate=learning_rate, steps=steps, progress=live.show, **how)
        document = opened = Optimizers.of(result)
        shown, right = tables.opened(opened), SAME_FUNCTION
    wrong = "\n".join(document.wrong)
    lines = [Text(f"left out: {name}: {reason}", style="dim") for name, reason in document.left_out.items()]
    shown += [*lines, Text(wrong, "bold red") if wrong else Text(f"Aligned, all are {right}.", "bold green")]
    deliver(lambda: document, path, asked, lambda: Console().print(*shown, sep="\n"))
    sys.exit(1 if wrong else 0)
