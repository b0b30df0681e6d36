"""The command `samegrad optimizers`: each framework's optimizers beside the textbook, as shipped and aligned."""

from __future__ import annotations

import sys
from typing import Any

import click

from samegrad.impls.options import Finite, json_option
from samegrad.impls.problem import DTYPES


@click.command("optimizers")
@click.option("--implementations", default="all", show_default=True, help="Names or patterns, comma-separated.")
@click.option("--optimizer", "names", default="all", show_default=True, help="Names, comma-separated.")
@click.option("--learning-rate", default=0.01, show_default=True, type=Finite(min=0, min_open=True))
@click.option("--steps", default=100, show_default=True, type=click.IntRange(min=1))
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

    from samegrad.impls.documents.base import Document
    from samegrad.impls.documents.optimizers import ClosedLoops, Optimizers
    from samegrad.impls.documents.saving import deliver, place
    from samegrad.impls.learning import closed_loop as closed
    from samegrad.impls.learning import open_loop
    from samegrad.impls.learning.live import Live
    from samegrad.impls.learning.optimizers import OPTIMIZERS
    from samegrad.impls.learning.recipes import RECIPES
    from samegrad.impls.learning.trainer import select

    how: dict[str, Any] = {
        "names": list(OPTIMIZERS) if names == "all" else [name.strip() for name in names.split(",")],
        "seed": seed,
        "dtype": dtype,
    }
    chosen = select(implementations)
    kind: type[Document] = ClosedLoops if closed_loop else Optimizers
    path = place(kind, asked)
    if closed_loop:
        trainings = len(how["names"]) * len(RECIPES)
        with Live(Console(stderr=True), ["shadows", *chosen], trainings, unit="training") as live:
            result = closed.run(chosen, epochs=closed.EPOCHS, progress=live.show, **how)
        wrong, shown = closed.wrong(result), [_closed(result)]
    else:
        how["progress"] = lambda line: click.echo(line, err=True)
        result = open_loop.run(chosen, learning_rate=learning_rate, steps=steps, **how)
        wrong, shown = open_loop.wrong(result), _open(result)
    shown += [*_left_out(result), _verdict(wrong, closed_loop)]
    deliver(lambda: kind.of(result), path, asked, lambda: Console().print(*shown, sep="\n"))
    sys.exit(1 if wrong else 0)


def _left_out(result: dict[str, Any]) -> list[Any]:
    from rich.text import Text

    return [Text(f"left out: {name}: {reason}", style="dim") for name, reason in result["left_out"].items()]


def _verdict(wrong: list[str], closed_loop: bool) -> Any:
    from rich.text import Text

    if wrong:
        return Text("\n".join(wrong), style="bold red")
    right = (
        "the same training, to what rounding becomes" if closed_loop else "the textbook's function, to the last digits"
    )
    return Text(f"Aligned, all are {right}.", style="bold green")


def _open(result: dict[str, Any]) -> list[Any]:
    """As shipped, and aligned."""
    settings = result["settings"]
    what = f"{settings['steps']} steps on the same gradients, {settings['dtype']}"
    return [_shipped(result["rows"], what), _aligned(result["rows"], what)]


def _closed(result: dict[str, Any]) -> Any:
    """A row per training: the farthest that each implementation was from the textbook, in shadows' spreads."""
    rows, settings = result["rows"], result["settings"]
    table = _table(
        f"Closed loop, {settings['dtype']}: how far from the textbook, in units of what one rounding per step becomes "
        f"(allowed: {settings['allowed']:g})"
    )
    names = list(dict.fromkeys(row["implementation"] for row in rows))
    for heading in ("optimizer", "problem", *names, "up to epoch"):
        table.add_column(heading, justify="left" if heading in ("optimizer", "problem") else "right")
    for row in _by_optimizer([row for row in rows if row["implementation"] == names[0]]):
        here = [r for r in rows if (r["optimizer"], r["problem"]) == (row["optimizer"], row["problem"])]
        cells = [f"{r['times_shadow']:.2g}" for name in names for r in here if r["implementation"] == name]
        table.add_row(row["shown"], row["problem"], *cells, f"{row['comparable_until']:,}")
    return table


def _shipped(rows: list[dict[str, Any]], what: str) -> Any:
    table = _table(f"As shipped: {what}, the learning rate halved half way")
    for heading in ("optimizer", "implementation", "parts by", "because (each alone)", "unexplained"):
        table.add_column(heading, justify="right" if heading in ("parts by", "unexplained") else "left")
    for row in _by_optimizer(rows):
        because = "\n".join(f"{reason['reason']}: {reason['alone']:.1e}" for reason in row["reasons"])
        table.add_row(
            row["shown"], row["implementation"], f"{row['shipped']:.1e}", because or "–", f"{row['unexplained']:.1e}"
        )
    return table


def _aligned(rows: list[dict[str, Any]], what: str) -> Any:
    table = _table(f"Aligned: {what}, farthest from the textbook")
    names = list(dict.fromkeys(row["implementation"] for row in rows))
    for heading in ("optimizer", *names, "allowed"):
        table.add_column(heading, justify="left" if heading == "optimizer" else "right")
    for optimizer in dict.fromkeys(row["optimizer"] for row in rows):
        here = {row["implementation"]: row for row in rows if row["optimizer"] == optimizer}
        cells = [f"{here[name]['aligned']:.1e}" for name in names]
        table.add_row(optimizer, *cells, f"{max(row['allowed'] for row in here.values()):.1e}")
    return table


def _table(title: str) -> Any:
    from rich import box
    from rich.table import Table

    return Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))


def _by_optimizer(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Grouped by optimizer; `shown` is its name in the first row of each group."""
    names = list(dict.fromkeys(row["optimizer"] for row in rows))
    grouped = [[row for row in rows if row["optimizer"] == name] for name in names]
    return [
        {**row, "shown": row["optimizer"] if number == 0 else ""} for rows in grouped for number, row in enumerate(rows)
    ]
