"""The command line, `samegrad`, over the three wings.

Every command imports what it needs when it runs, so that `--help` and `list` answer at once.
"""

from __future__ import annotations

import importlib
import math
import sys
from pathlib import Path
from typing import Any

import click

from impls.json_option import json_option

ELSEWHERE = {
    "verify": "impls.verifying.verify_command:verify_command",
    "conformance": "impls.conformance.conformance_command:conformance_command",
    "train": "impls.learning.train_command:train_command",
    "explain": "impls.learning.explain_command:explain_command",
    "optimizers": "impls.learning.optimizers_command:optimizers_command",
}
"""Commands with many options, which live beside what they run."""


def _found_at(place: str) -> Any:
    """What "module:attribute" is."""
    module, _, name = place.partition(":")
    return getattr(importlib.import_module(module), name)


class FrontDoor(click.Group):
    """Finds the commands, and turns what the user can mend into one line on standard error and exit status 2."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*super().list_commands(ctx), *ELSEWHERE]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in ELSEWHERE:
            return super().get_command(ctx, cmd_name)
        return _found_at(ELSEWHERE[cmd_name])

    def invoke(self, ctx: click.Context) -> Any:
        from impls.errors import BadInput, Unavailable

        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            raise  # `samegrad list | head`: click ends it in silence
        except (BadInput, Unavailable, OSError) as error:
            click.echo(f"samegrad: {error}", err=True)
            ctx.exit(2)


@click.group(cls=FrontDoor, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="samegrad")
def main() -> None:
    """One tiny network, four frameworks, the same gradients, and what each one costs.

    \b
    pytest --benchmark-only        what does each framework cost?
    samegrad verify my_net.py:Net  is my hand-written gradient right?
    samegrad report                show me
    """


@main.command("list")
def list_() -> None:
    """The implementations: framework, execution, and whether they can run here."""
    from rich.console import Console
    from rich.table import Table

    from impls.registry import LEFT_OUT, PROVIDED, REGISTRY, default

    table = Table(box=None, pad_edge=False)
    for heading in ("name", "framework", "execution", "here"):
        table.add_column(heading, no_wrap=heading in ("name", "here"))
    missing: dict[str, None] = {}
    measured = default()
    for entry in REGISTRY.values():
        reason = entry.missing()
        if reason:
            missing[reason.removeprefix(entry.name).strip()] = None
        here = "missing" if reason else " ".join(next(iter(entry.versions().items())))
        table.add_row(entry.name + (" *" if entry.name in measured else ""), entry.framework, entry.execution, here)
    console = Console(highlight=False)
    console.print(table)
    click.echo("\n* measured by default")
    for entry in PROVIDED:
        click.echo(f"provided: {entry.name} is of {entry.distribution}")
    for reason in missing:
        click.echo(f"missing: {reason}")
    for reason in LEFT_OUT:
        click.echo(f"left out: {reason}")


@main.command()
@click.argument("problem")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--seed", type=click.IntRange(min=0), default=42, show_default=True)
@click.option("--scale", type=float, default=1.0, show_default=True, help="Standard deviation of weights and biases.")
def parameters(problem: str, file: Path, seed: int, scale: float) -> None:
    """Write PROBLEM's initial parameters to FILE, an .npz that any program can start from."""
    from impls.errors import BadInput
    from impls.parameters import save, tensors
    from impls.problem import get_problem

    if not math.isfinite(scale):
        raise BadInput(f"--scale takes a finite number, found {scale}")
    initial = get_problem(problem).parameters(seed, scale)
    save(file, initial)
    shapes = ", ".join(f"{name} {tensor.shape}" for name, tensor in tensors(initial).items())
    click.echo(f"{file}: {shapes}, float64, seed {seed}")


@main.command()
@click.argument("runs", nargs=-1, metavar="[FILE.json]…", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="Folder.  [default: reports/latest]")
def report(runs: tuple[Path, ...], out: Path | None) -> None:
    """Draw a page, figures and tables from run files (the latest by default).

    Of several runs the last is drawn, and compared with the others. What the other commands save or print as JSON
    (agree, train, optimizers, ladder, selfcheck) is drawn beside them or alone; each file is known by its format.
    """
    click.echo("Reading …")
    from reports.report import draw

    draw(runs, out)


@main.command()
@click.argument("before", type=click.Path(path_type=Path))
@click.argument("after", type=click.Path(path_type=Path))
@click.option(
    "--fail-above", metavar="PERCENT", help="Exit with 1 where a case is shown to be slower by more than this."
)
def compare(before: Path, after: Path, fail_above: str | None) -> None:
    """What became faster or slower from one run file to another."""
    from reports.compare import compare as compare_runs

    sys.exit(compare_runs(before, after, fail_above))


@main.command()
@click.option("--implementations", default="all", show_default=True, help="Names or patterns, comma-separated.")
@click.option("--problems", default="xor,line", show_default=True)
@click.option("--dtypes", default="float32,float64", show_default=True)
@click.option("--scales", default="1,10,100", show_default=True, help="Of the initial parameters.")
@click.option("--seeds", default=5, show_default=True, type=click.IntRange(min=1), help="How many.")
@click.option("--drift/--no-drift", default=True, show_default=True, help="Train 1,000 steps beside float64, too.")
@click.option("--threads", default=1, show_default=True, type=click.IntRange(min=1))
@json_option("reports/agreements")
def agree(
    implementations: str,
    problems: str,
    dtypes: str,
    scales: str,
    seeds: int,
    drift: bool,
    threads: int,
    asked: str | None,
) -> None:
    """Do all implementations compute the same gradients? Exit status 1 where one does not."""
    from rich.console import Console

    from impls.checking import survey
    from impls.documents.agreement import Agreement
    from impls.documents.saving import deliver, place
    from impls.errors import BadInput, choose
    from impls.problem import DTYPES, PROBLEMS
    from impls.registry import select

    try:
        wanted_scales = [float(scale) for scale in scales.split(",")]
    except ValueError:
        raise BadInput(f"--scales takes numbers separated by commas, such as 1,10,100; found {scales!r}") from None
    path = place(Agreement, asked)
    result = survey.run(
        [entry.name for entry in select(implementations.split(","))],
        problems=[choose("problem", name, PROBLEMS) for name in problems.split(",")],
        dtypes=[choose("dtype", name, DTYPES) for name in dtypes.split(",")],
        scales=wanted_scales,
        seeds=range(seeds),
        with_drift=drift,
        threads=threads,
        progress=lambda line: click.echo(line, err=True),
    )
    deliver(Agreement.of(result), path, asked, lambda: Console().print(survey.render(result)))
    sys.exit(0 if survey.all_agree(result) else 1)


@main.command()
@click.option("--launches", default=3, show_default=True, type=click.IntRange(min=1))
@click.option("--budget", "budget_s", default=600.0, show_default=True, type=click.FloatRange(min=1), metavar="SECONDS")
@json_option("reports/ladders")
def ladder(launches: int, budget_s: float, asked: str | None) -> None:
    """Every rung of every framework beside its goals: the obvious way, the best way, the floor."""
    from benchmarks.clock.ladder import measure_ladder, show
    from benchmarks.documents.ladder import MISSED, Ladder
    from impls.documents.saving import deliver, place

    path = place(Ladder, asked)
    found = measure_ladder(launches, budget_s, lambda line: click.echo(line, err=True))
    deliver(found, path, asked, lambda: show(found))
    sys.exit(int(any(goal.word == MISSED for goal in found.goals)))


@main.command()
@json_option("reports/doctor")
def doctor(asked: str | None) -> None:
    """Is anything on this machine unfair to a contestant? Exit status 1 if so."""
    from benchmarks.clock import cpus
    from benchmarks.clock.doctor import CHECKS, Machine, examine
    from benchmarks.documents.doctor import Doctor
    from impls.documents.base import made
    from impls.documents.saving import deliver, place

    path = place(Doctor, asked)
    pinned_to = cpus.choose(1)
    found = examine(Machine(pinned_to=pinned_to))
    told = [f"{handicap.handicap}: {handicap.sentence}" for handicap in found]
    fit = f"Fit: none of {len(CHECKS)} checks found a handicap."
    handicaps = [{"handicap": handicap.handicap, "sentence": handicap.sentence} for handicap in found]
    document = Doctor.of({"date": made(), "fit": not found, "pinned_to": pinned_to, "handicaps": handicaps})
    deliver(document, path, asked, lambda: click.echo("\n".join(told or [fit])))
    sys.exit(1 if found else 0)


@main.command()
@click.option("--quick", is_flag=True, help="Under a minute, with wider limits.")
@json_option("reports/selfchecks")
def selfcheck(quick: bool, asked: str | None) -> None:
    """Can the clock be believed on this machine? Known work under known loads; about 5 minutes."""
    from rich.console import Console

    from benchmarks.clock.selfcheck import tables
    from benchmarks.clock.selfcheck.command import selfcheck as run_selfcheck
    from benchmarks.documents.selfcheck import MISSED, Selfcheck
    from impls.documents.saving import deliver, place

    path = place(Selfcheck, asked)
    found = run_selfcheck(quick)
    deliver(found, path, asked, lambda: tables.show(found, Console()))
    sys.exit(int(any(finding.result == MISSED for finding in found.findings)))
