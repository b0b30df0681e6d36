"""The command `samegrad gallery`, as click sees it; the front door adds it when it is asked for."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from samegrad.impls.console.options import GivenPath
from samegrad.impls.console.terminal import fitted

MOST_SHOWN = 12


@click.group("gallery")
def gallery_command() -> None:
    """One small file for each machine, which anyone can add: samegrad report reports/gallery/*.json"""


@gallery_command.command("add")
@click.argument("run", type=GivenPath(dir_okay=False))
@click.option("--folder", type=GivenPath(file_okay=False), help="[default: reports/gallery]")
def add(run: Path, folder: Path | None) -> None:
    """Write RUN, a run file, without its rounds to the gallery. Exit status 1 where it is not fit for it."""
    from samegrad.benchmarks.documents.run import RunDocument
    from samegrad.impls.documents import base
    from samegrad.impls.files import write_whole
    from samegrad.reports import gallery

    small = gallery.without_rounds(base.read(run, [RunDocument]))
    _judge(run, gallery.problems(small))
    path = (folder or gallery.FOLDER) / gallery.file_name(small)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, small.encoded())
    click.echo(f"Saved in {path}; to see it with the others: samegrad report {path.parent}/*.json")


@gallery_command.command("check")
@click.argument("files", nargs=-1, required=True, type=GivenPath(dir_okay=False))
def check(files: tuple[Path, ...]) -> None:
    """Are these files whole, consistent and of the committed suite? Exit status 1 if not, 2 for what is no run file."""
    from samegrad.benchmarks.documents.run import RunDocument
    from samegrad.impls.documents import base
    from samegrad.reports import gallery

    for path in files:
        file, content = base.read_with_content(path, [RunDocument])
        lines = [f"it has the key {key!r}, which is not of the gallery" for key in gallery.extra_keys(content)]
        lines += ["it has its rounds"] if file.has_rounds else []
        lines += [f"write it by: samegrad gallery add {path}"] if lines else []
        _judge(path, [*lines, *gallery.problems(file)])
        click.echo(f"{path}: fit for the gallery")


def _judge(path: Path, problems: list[str]) -> None:
    """End with the problems and exit status 1, if there are any."""
    if problems:
        shown = [*problems[:MOST_SHOWN], *([f"and {len(problems) - MOST_SHOWN} more"] if problems[MOST_SHOWN:] else [])]
        click.echo(fitted("\n".join(f"{path}: {line}" for line in shown), sys.stdout))
        sys.exit(1)
