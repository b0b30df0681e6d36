"""The command `samegrad hosts`, as click sees it; the front door adds it when it is asked for."""

from __future__ import annotations

import secrets
import sys
from datetime import UTC, datetime
from pathlib import Path

import click

from samegrad.impls.options import LONGEST_S, Finite
from samegrad.impls.terminal import fitted

OURS = ("--benchmark-json", "--benchmark-save", "--benchmark-autosave", "--resume")
"""Options of pytest that this command gives by itself."""


@click.command("hosts")
@click.option("--dask", "address", required=True, metavar="ADDRESS", help="The scheduler: tcp://scheduler:8786.")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="Folder.  [default: reports/hosts/…]")
@click.option("--resume", type=click.Path(path_type=Path, file_okay=False, exists=True), help="A folder to complete.")
@click.option(
    "--limit", "limit_s", default=3600.0, show_default=True, type=Finite(1, LONGEST_S), metavar="SECONDS",
    help="For one host, once nothing else is measured on it.",
)  # fmt: skip
@click.argument("options", nargs=-1, type=click.UNPROCESSED, metavar="[-- PYTEST OPTIONS]")
def hosts_command(
    address: str, out: Path | None, resume: Path | None, limit_s: float, options: tuple[str, ...]
) -> None:
    """The same benchmarks on every host of a cluster, alone on each; then samegrad report tells what holds on all.

    \b
    dask scheduler                                             # on one machine
    dask worker tcp://HOST:8786 --nthreads 1 --resources SAMEGRAD=1     # on each
    samegrad hosts --dask tcp://HOST:8786 -- --launches 5

    With --resume, what a host has complete is kept. Exit status: 0 all hosts are merged, 3 some are left out, 2 none.
    """
    from samegrad.benchmarks.hosts import collecting, on_dask
    from samegrad.impls.errors import BadInput
    from samegrad.impls.steps import Steps

    if given := [option for option in options if option.partition("=")[0] in OURS]:
        raise BadInput(f"{given[0]} is set on each host by samegrad hosts itself; take --out or --resume before the --")
    folder = resume or out or Path("reports/hosts") / f"{datetime.now(UTC):%Y-%m-%dT%H-%M-%S}"
    client = on_dask.connect(address)
    try:
        able, refused = on_dask.workers(client)
        earlier = collecting.complete(folder) if resume else {}
        folder.mkdir(parents=True, exist_ok=True)
        orders = {
            worker: on_dask.Order(options, limit_s, worker.pid, earlier.get(host, "")) for host, worker in able.items()
        }
        run = collecting.Collection(folder, dict(refused))
        with Steps() as say:
            for worker, result in on_dask.measured(client, orders, secrets.token_hex(4), say):
                click.echo(run.take(worker.host, worker.machine, result))
    finally:
        client.close(timeout=5)
    lines, status = run.conclusion()
    click.echo(fitted("\n".join(lines), sys.stdout))
    sys.exit(status)
