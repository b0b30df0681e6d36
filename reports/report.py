"""`samegrad report`: from a run file to figures and a table, all drawn before the first file is written."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from pathlib import Path

from reports import runs, style, table
from reports.files import write_all
from reports.records import Run

LATEST = Path("reports/latest")


def draw(
    run_paths: Sequence[str | Path] = (), out_dir: str | Path | None = None, say: Callable[[str], None] = print
) -> list[Path]:
    """Draw the run (the latest by default) into `out_dir` (reports/latest by default); return the files written.

    Raises runs.RunFileError where a run file cannot be read and OSError where the folder cannot be written; nothing is
    written before all is drawn. `reports/latest` is emptied of what an earlier run left; a folder of the user's is not.
    """
    path = Path(run_paths[0]) if run_paths else runs.latest()
    folder = LATEST if out_dir is None else Path(out_dir)
    say(f"Drawing {path} …")
    files = contents(runs.read(path))
    written = write_all(folder, files)
    if out_dir is None:
        for stale in set(folder.iterdir()) - set(written):
            if stale.is_file():
                stale.unlink()
    say(f"{len(written)} files in {folder}:")
    for written_path in written:
        say(f"  {written_path}")
    return written


def contents(run: Run) -> dict[str, bytes]:
    """Every file of the report, by name: figures as PNG, SVG and CSV for each (dtype, device), and the table."""
    from reports.figures import FIGURES
    from reports.figures.frame import encode

    files: dict[str, bytes] = {}
    looks = style.looks(run.implementations)
    with style.applied():
        for dtype, device in run.settings:
            groups = run.select(dtype, device)
            for figure in FIGURES:
                drawn = figure.draw(run, groups, looks)
                if drawn is not None:
                    stem = f"{figure.NAME}-{safe(dtype)}-{safe(device)}"
                    files |= encode(drawn, stem)
                    files[f"{stem}.csv"] = comma_separated(figure.rows(groups))
    files["table.md"] = table.markdown(run).encode()
    return files


def safe(part: str) -> str:
    """The text as part of a file's name: letters, digits and hyphens."""
    return "".join(character if character.isascii() and character.isalnum() else "-" for character in part)[:40] or "-"


def comma_separated(rows: list[dict[str, object]]) -> bytes:
    """Rows as CSV in UTF-8 with a heading; a text that a spreadsheet would run as a formula is quoted with '."""
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, fieldnames=list(rows[0]) if rows else [], lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({name: _inert(value) for name, value in row.items()})
    return buffer.getvalue().encode()


def _inert(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@") else value
