"""The command `samegrad study`: which share of starts learns, in every cell of a grid, here or on a cluster."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from samegrad.impls.child import pinnable
from samegrad.impls.console.options import MOST_THREADS, GivenPath, json_option
from samegrad.impls.errors import BadInput


def listed(kind: Callable[[str], Any]) -> Callable[[click.Context, click.Parameter, str | None], list[Any] | None]:
    """A click callback: comma-separated values of that kind, or None without them."""

    def parsed(ctx: click.Context, option: click.Parameter, text: str | None) -> list[Any] | None:
        try:
            return None if text is None else [kind(part.strip()) for part in text.split(",")]
        except ValueError:
            raise BadInput(f"{option.opts[0]} takes numbers separated by commas, found {text!r}") from None

    return parsed


@click.command("study", context_settings={"max_content_width": 100})
@click.argument("spec", required=False, type=GivenPath())
@click.option("--starts", type=int, help="In each cell, the same in all.")
@click.option("--seed", type=int, help="Of the first start.")
@click.option("--epochs", type=int)
@click.option("--threshold", type=float, help="An error below it has been learned.")
@click.option("--laws", metavar="LIST", callback=listed(str), help="'normal 0.01', 'uniform 0 1', glorot, he.")
@click.option("--widths", metavar="LIST", callback=listed(int), help="Hidden units.")
@click.option("--activations", metavar="LIST", callback=listed(str), help="Of the hidden units.")
@click.option("--optimizers", metavar="LIST", callback=listed(str))
@click.option("--learning-rates", metavar="LIST", callback=listed(float))
@click.option("--dtype")
@click.option("--implementation", help="Who trains.  [default: numpy-networks, with every optimizer]")
@click.option("--jobs", type=click.IntRange(1, MOST_THREADS), help="Processes here.  [default: one for each CPU]")
@click.option("--on", "place", help="A Dask scheduler, tcp://HOST:PORT, or local:N for N Dask workers here.")
@json_option("reports/studies")
def study_command(spec: Path | None, jobs: int | None, place: str | None, asked: str | None, **options: Any) -> None:
    """Which share of starts learns xor, how soon, and why do the others fail?

    SPEC is a TOML file with the options' names as keys; its lists are the axes of a grid. What is done is kept: the
    same command goes on where it was interrupted. The result does not depend on where, or by how many, it is computed.
    """
    from rich.console import Console

    from samegrad.impls.console.steps import Steps
    from samegrad.impls.documents import saving
    from samegrad.impls.documents.study import Study
    from samegrad.impls.studies import cluster, specs, study_tables
    from samegrad.impls.studies.journal import Journal
    from samegrad.impls.studies.study import StudyPlan

    if place is not None:
        if jobs is not None:
            raise BadInput("--jobs counts processes of this machine; it means nothing with --on")
        cluster.parsed(place)
    path = saving.place(Study, asked)
    plan = StudyPlan(specs.load(spec, options))
    journal = Journal((path.parent if path else Study.FOLDER) / "study-tasks")
    with Steps(len(plan.cells) + 1, brief=True) as steps:
        plan.run(journal, place, jobs or len(pinnable()) or 1, lambda done, total: steps(f"{done:,} cells are done"))
    study = plan.document(journal)
    saving.deliver(lambda: study, path, asked, lambda: Console(highlight=False).print(study_tables.render(study)))
    journal.clear(plan.keys.values())
