"""The command `samegrad hosts`, as click sees it; the front door adds it when it is asked for."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path

import click

from samegrad.impls.console.options import LONGEST_S, Finite, GivenPath
from samegrad.impls.console.terminal import fitted

OURS = ("--benchmark-json", "--benchmark-save", "--benchmark-autosave", "--resume")
"""Options of pytest that this command gives by itself."""


@click.command("hosts")
@click.option("--dask", "address", metavar="ADDRESS", help="Dask's scheduler: tcp://scheduler:8786.")
@click.option("--slurm", is_flag=True, help="An exclusive job of Slurm on each node.")
@click.option("--partition", help="Slurm's partition.  [default: its own]")
@click.option("--constraint", help="What Slurm's nodes must have, as sbatch takes it.")
@click.option("--nodes", type=click.IntRange(min=1), help="How many of Slurm's nodes.  [default: all]")
@click.option("--out", type=GivenPath(file_okay=False), help="Folder.  [default: reports/hosts/…]")
@click.option("--resume", type=GivenPath(file_okay=False, exists=True), help="A folder to complete.")
@click.option(
    "--limit", "limit_s", default=3600.0, show_default=True, type=Finite(1, LONGEST_S), metavar="SECONDS",
    help="For one host, once nothing else is measured on it.",
)  # fmt: skip
@click.argument("options", nargs=-1, type=click.UNPROCESSED, metavar="[-- PYTEST OPTIONS]")
def hosts_command(
    address: str | None,
    slurm: bool,
    partition: str | None,
    constraint: str | None,
    nodes: int | None,
    out: Path | None,
    resume: Path | None,
    limit_s: float,
    options: tuple[str, ...],
) -> None:
    """The same benchmarks on every host of a cluster, alone on each; then samegrad report tells what holds on all.

    \b
    samegrad hosts --slurm -- --launches 5                     # on a login node

    \b
    dask scheduler                                             # on one machine
    dask worker tcp://HOST:8786 --nthreads 1 --resources SAMEGRAD=1     # on each
    samegrad hosts --dask tcp://HOST:8786 -- --launches 5

    With --resume, what a host has complete is kept. Exit status: 0 all hosts are merged, 3 some are left out, 2 none.
    """
    from samegrad.benchmarks.hosts import collecting, on_dask, on_slurm
    from samegrad.benchmarks.hosts.measuring import Order
    from samegrad.impls.console.steps import Steps
    from samegrad.impls.errors import BadInput

    if given := [option for option in options if option.partition("=")[0] in OURS]:
        raise BadInput(f"{given[0]} is set on each host by samegrad hosts itself; take --out or --resume before the --")
    if (address is not None) == slurm:
        raise BadInput(
            f"samegrad hosts takes one of --dask ADDRESS and --slurm, found {'both' if slurm else 'neither'}"
        )
    if not slurm and (partition or constraint or nodes):
        raise BadInput("--partition, --constraint and --nodes are Slurm's; take them with --slurm, or leave them out")
    wanted = on_slurm.Nodes(partition, constraint, nodes)
    with on_slurm.engine(wanted) if address is None else on_dask.engine(address) as measure:
        folder = resume or out or Path("reports/hosts") / f"{datetime.now(UTC):%Y-%m-%dT%H-%M-%S}"
        earlier = collecting.complete(folder) if resume else {}
        folder.mkdir(parents=True, exist_ok=True)
        run = collecting.Collection(folder)
        with Steps() as say:
            for name, result in measure(Order(options, limit_s), earlier, folder, say):
                click.echo(run.take(name, result))
    lines, status = run.conclusion()
    click.echo(fitted("\n".join(lines), sys.stdout))
    sys.exit(status)
