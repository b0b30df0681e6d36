"""The front door: `samegrad`, one small command line over the three wings.

Every command imports what it needs when it runs, so that `--help` and `list` answer at once.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click


class FrontDoor(click.Group):
    """Turns what the user can mend into one line on standard error and exit status 2."""

    def invoke(self, ctx: click.Context) -> Any:
        from impls.errors import BadInput, Unavailable

        try:
            return super().invoke(ctx)
        except (BadInput, Unavailable, OSError) as error:
            click.echo(f"samegrad: {error}", err=True)
            ctx.exit(2)


@click.group(cls=FrontDoor, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="samegrad")
def main() -> None:
    """One tiny network, four frameworks, the same gradients, and what each one costs.

    \b
    pytest --benchmark-only     measures what each framework costs
    samegrad report             draws the latest run
    samegrad list               shows the implementations
    """


@main.command("list")
def list_() -> None:
    """The implementations: framework, execution, and whether they can run here."""
    from rich.console import Console
    from rich.table import Table

    from impls.registry import DEFAULT, REGISTRY

    table = Table(box=None, pad_edge=False)
    for heading in ("name", "framework", "execution", "here"):
        table.add_column(heading, no_wrap=heading != "here")
    for entry in REGISTRY.values():
        here = entry.missing() or ", ".join(f"{name} {version}" for name, version in entry.versions().items())
        table.add_row(entry.name + (" *" if entry.name in DEFAULT else ""), entry.framework, entry.execution, here)
    console = Console(highlight=False)
    console.print(table)
    console.print("\n* measured by default")


@main.command()
@click.argument("problem")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--seed", type=click.IntRange(min=0), default=42, show_default=True)
@click.option("--scale", type=float, default=1.0, show_default=True, help="Standard deviation of weights and biases.")
def parameters(problem: str, file: Path, seed: int, scale: float) -> None:
    """Write PROBLEM's initial parameters to FILE, an .npz that any program can start from."""
    from impls.parameters import save, tensors
    from impls.problem import get_problem

    initial = get_problem(problem).parameters(seed, scale)
    save(file, initial)
    shapes = ", ".join(f"{name} {tensor.shape}" for name, tensor in tensors(initial).items())
    click.echo(f"{file}: {shapes}, float64, seed {seed}")


@main.command()
@click.argument("runs", nargs=-1, metavar="[RUN.json]", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="Folder.  [default: reports/latest]")
def report(runs: tuple[Path, ...], out: Path | None) -> None:
    """Draw figures and tables from a run file (the latest by default)."""
    click.echo("Reading …")
    from reports.report import draw
    from reports.runs import RunFileError

    try:
        draw(runs, out)
    except RunFileError as error:
        click.echo(f"samegrad: {error}", err=True)
        sys.exit(2)


if __name__ == "__main__":
    main()
