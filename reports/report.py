"""`samegrad report`: from run files to a page, figures and a table, all drawn before the first file is written."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from samegrad.impls.documents.base import DocumentError
from samegrad.impls.files import write_whole
from samegrad.reports import style, table
from samegrad.reports.material import Material, gather
from samegrad.reports.part import Figure

LATEST = Path("reports/latest")
PAGE = "report.html"


def draw(
    run_paths: Sequence[str | Path] = (), out_dir: str | Path | None = None, say: Callable[[str], None] = print
) -> list[Path]:
    """Draw a run, and the documents beside it, into `out_dir`; return the files written.

    By default these are the latest of each kind, in reports/latest.

    Of several runs the last is drawn, and the page compares it with the others. Raises DocumentError where a run
    file cannot be read or the folder cannot be written; nothing is written before all is drawn.
    Without `out_dir`, other files of reports/latest are removed: an earlier report left them.
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
    say(f"{len(written)} files in {folder}: the page, figures and tables.")
    say(f"Open {folder / PAGE} in a browser.")
    return written


def _write(folder: Path, files: dict[str, bytes]) -> list[Path]:
    """Write each file whole or not at all, under its name, which may contain a subfolder."""
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        write_whole(folder / name, content)
    return [folder / name for name in files]


def contents(material: Material) -> dict[str, bytes]:
    """Every file of the report, by name: the page, the table of a run, and each figure as PNG, SVG and CSV."""
    from samegrad.reports.page.render import render
    from samegrad.reports.parts import parts_of

    parts = parts_of(material)
    files, pictures = drawings([figure for part in parts for figure in part.figures])
    texts = {PAGE: render(material, parts, pictures)}
    if material.runs:
        texts["table.md"] = table.markdown(material, parts)
    return {name: text.encode() for name, text in texts.items()} | files


def drawings(figures: Sequence[Figure]) -> tuple[dict[str, bytes], dict[str, str]]:
    """Each figure as PNG, SVG and the CSV of its numbers, by file; and those of the page as inline SVG, by figure."""
    from samegrad.reports.figures.frame import encode
    from samegrad.reports.page.svg import inline

    files: dict[str, bytes] = {}
    pictures: dict[str, str] = {}
    with style.applied():
        for figure in figures:
            drawn = figure.draw()
            files |= encode(drawn, figure.name) | {f"{figure.name}.csv": comma_separated(figure.rows)}
            if figure.on_page:
                pictures[figure.name] = inline(drawn, figure.name, figure.words)
    return files, pictures


def comma_separated(rows: Sequence[Mapping[str, Any]]) -> bytes:
    """Rows as CSV in UTF-8 with a heading; a text that a spreadsheet would run as a formula is quoted with '."""
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, fieldnames=list(rows[0]) if rows else [], lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({name: _inert(value) for name, value in row.items()})
    return buffer.getvalue().encode()


def _inert(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@") else value
