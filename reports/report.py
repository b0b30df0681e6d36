"""`samegrad report`: from run files to a page, figures and a table, all drawn before the first file is written."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from samegrad.benchmarks.results import passes
from samegrad.impls.documents.base import DocumentError
from samegrad.impls.files import write_whole
from samegrad.reports import style, table
from samegrad.reports.material import Material, gather
from samegrad.reports.records import Group

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LATEST = Path("reports/latest")


def draw(
    run_paths: Sequence[str | Path] = (), out_dir: str | Path | None = None, say: Callable[[str], None] = print
) -> list[Path]:
    """Draw a run (the latest by default) into `out_dir` (reports/latest by default); return the files written.

    Of several runs the last is drawn, and the page compares it with the others. Raises DocumentError where a run
    file cannot be read or the folder cannot be written; nothing is written before all is drawn.
    `reports/latest` is emptied of what an earlier report left; a folder of the user's is not.
    """
    folder = LATEST if out_dir is None else Path(out_dir)
    material = gather(run_paths)
    say(f"Drawing {', '.join(map(str, material.paths))} …")
    files = contents(material)
    try:
        written = _write(folder, files)
    except OSError as error:
        raise DocumentError(f"{folder}: cannot be written ({error.strerror}); name another with --out") from None
    if out_dir is None:
        for stale in set(folder.iterdir()) - set(written):
            if stale.is_file():
                stale.unlink()
    say(f"{len(written)} files in {folder}:")
    for path in written:
        say(f"  {path}")
    return written


def _write(folder: Path, files: dict[str, bytes]) -> list[Path]:
    """Each file whole or not at all, under its name, which may hold a subfolder."""
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        write_whole(folder / name, content)
    return [folder / name for name in files]


def contents(material: Material) -> dict[str, bytes]:
    """Every file of the report, by name: the page, the table of a run, and each figure as PNG, SVG and CSV."""
    from samegrad.reports.page.render import render

    files = {"report.html": render(material).encode()}
    if material.runs:
        files["table.md"] = table.markdown(material.run, material.runs[:-1]).encode()
    return files | figures(material)


def figures(material: Material) -> dict[str, bytes]:
    """Each figure as PNG, SVG and the CSV of its numbers."""
    from samegrad.reports.figures.frame import encode

    files: dict[str, bytes] = {}
    with style.applied():
        for stem, (figure, rows) in drawings(material).items():
            files |= encode(figure, stem) | {f"{stem}.csv": comma_separated(rows)}
    return files


Drawing = tuple["Figure | None", list[dict[str, Any]]]


def drawings(material: Material) -> dict[str, tuple[Figure, list[dict[str, Any]]]]:
    """Each figure that the material has data for, with its numbers, by name; to be drawn within `style.applied`."""
    found = _of_settings(material) | _of_run(material) | _beside(material)
    return {stem: (figure, rows) for stem, (figure, rows) in found.items() if figure is not None}


def _of_settings(material: Material) -> dict[str, Drawing]:
    """For every dtype and device the plain passes' figures, and a sheet of times for each family of variants."""
    from samegrad.reports.figures import FIGURES, batches, fits

    run, looks = material.run, material.looks
    found: dict[str, Drawing] = {}
    for dtype, device in run.settings:
        suffix = f"{safe(dtype)}-{safe(device)}"
        (family, groups), *others = by_family(run.select(dtype, device)).items()
        for kind in FIGURES:
            found[f"{kind.NAME}-{suffix}"] = kind.draw(run, groups, looks), kind.rows(groups)
        fitted = [fit for fit in run.fits if (fit.dtype, fit.device) == (dtype, device)]
        of_family = [fit for fit in fitted if passes.family(fit.pass_) == family]
        found[f"{fits.NAME}-{suffix}"] = fits.draw(run, of_family, looks), fits.rows(fitted)
        for other, members in others:
            found[f"{batches.NAME}-{safe(other)}-{suffix}"] = batches.draw(run, members, looks), batches.rows(members)
    return found


def _of_run(material: Material) -> dict[str, Drawing]:
    """What a run has once: its ladder and its cold starts."""
    from samegrad.reports.figures import cold_start, ladder

    run, looks = material.run, material.looks
    return {kind.NAME: (kind.draw(run, looks), kind.rows(run)) for kind in (ladder, cold_start)}


def _beside(material: Material) -> dict[str, Drawing]:
    """The figures of the other documents."""
    from samegrad.reports.figures import call_cost, converged, drift, goals, optimizers, starts, training

    parts: tuple[tuple[Any, Any], ...] = (
        *((kind, material.ladder) for kind in (goals, call_cost)),
        *(
            (drift, material.agreement),
            (training, material.training),
            (starts, material.starts),
            (converged, material.starts),
        ),
        (optimizers, material.optimizers),
    )
    return {kind.NAME: (kind.draw(part, material.looks), kind.rows(part)) for kind, part in parts if part}


def by_family(groups: list[Group]) -> dict[str, list[Group]]:
    """The groups of the plain passes, and of each family of variants: what is drawn on one sheet."""
    return {
        family: [group for group in groups if passes.family(group.pass_) == family]
        for family in passes.families(group.pass_ for group in groups)
    }


def safe(part: str) -> str:
    """The text as part of a file's name: letters, digits and hyphens."""
    return "".join(character if character.isascii() and character.isalnum() else "-" for character in part)[:40] or "-"


def comma_separated(rows: list[dict[str, Any]]) -> bytes:
    """Rows as CSV in UTF-8 with a heading; a text that a spreadsheet would run as a formula is quoted with '."""
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, fieldnames=list(rows[0]) if rows else [], lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({name: _inert(value) for name, value in row.items()})
    return buffer.getvalue().encode()


def _inert(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@") else value
