"""The command `samegrad optimizers`: each framework's optimizers beside the textbook, as shipped and aligned."""

from __future__ import annotations

import sys
from typing import Any

import click

from impls.problem import DTYPES


@click.command("optimizers")
@click.option("--implementations", default="all", show_default=True, help="Names or patterns, comma-separated.")
@click.option("--optimizer", "names", default="all", show_default=True, help="Names, comma-separated.")
@click.option("--learning-rate", default=0.01, show_default=True, type=click.FloatRange(min=0, min_open=True))
@click.option("--steps", default=100, show_default=True, type=click.IntRange(min=1))
@click.option("--seed", default=42, show_default=True, type=click.IntRange(min=0), help="Of start and gradients.")
@click.option("--dtype", default="float64", show_default=True, type=click.Choice(DTYPES))
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def optimizers_command(implementations: str, names: str, as_json: bool, **how: Any) -> None:
    """The same gradients fed to every framework's optimizers: where do they part, and why?

    Exit status 1 where an aligned one is not the textbook's function.
    """
    import json

    from rich.console import Console

    from impls.learning import open_loop
    from impls.learning.optimizers import OPTIMIZERS
    from impls.learning.trainer import select

    result = open_loop.run(
        select(implementations),
        names=list(OPTIMIZERS) if names == "all" else [name.strip() for name in names.split(",")],
        progress=lambda line: click.echo(line, err=True),
        **how,
    )
    if as_json:
        click.echo(json.dumps(result, indent=1))
    else:
        Console().print(render(result))
    sys.exit(1 if open_loop.wrong(result) else 0)


def render(result: dict[str, Any]) -> Any:
    """Both tables, what was left out, and the verdict."""
    from rich.console import Group
    from rich.text import Text

    from impls.learning.open_loop import wrong

    settings = result["settings"]
    what = f"{settings['steps']} steps on the same gradients, {settings['dtype']}"
    left_out = [Text(f"left out: {name}: {reason}", style="dim") for name, reason in result["left_out"].items()]
    lines = wrong(result)
    if lines:
        verdict = Text("\n".join(lines), style="bold red")
    else:
        verdict = Text("Aligned, all are the textbook's function, to the last digits.", style="bold green")
    return Group(_shipped(result["rows"], what), _aligned(result["rows"], what), *left_out, verdict)


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
