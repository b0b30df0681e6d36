"""The cells that an IPython session has run so far, as a notebook file that `verify` can check.

IPython keeps every cell as it was typed. Those that are Python, without their magics, are written to a temporary
notebook, of which only the definitions are run, like those of any other notebook.
"""

from __future__ import annotations

import ast
import json
import os
import re
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from samegrad.impls.verifying.report import Report

RUN_HERE = ("verify", "time", "capture")
"""Cell magics that run the cell in the user's own namespace; what others contain is not Python, or runs elsewhere."""
FILE = "cells.ipynb"


@dataclass(frozen=True)
class Cell:
    """One cell that was run."""

    number: int | None
    """The cell's number, as in `In [3]`."""
    text: str


def shell() -> Any | None:
    """The IPython shell that runs this process; None where there is none."""
    module = sys.modules.get("IPython")
    return module.get_ipython() if module is not None else None  # type: ignore[attr-defined]


def namespace() -> dict[str, Any]:
    """What the user has defined in this session; {} outside IPython."""
    running = shell()
    return running.user_ns if running is not None else {}


def is_cell(file: str) -> bool:
    """Is that the name under which IPython compiled a cell?"""
    known = getattr(getattr(shell(), "compile", None), "_filename_map", {})
    return file in known or bool(re.match(r"<(ipython|python)-input-", file)) or "ipykernel_" in file


def run_so_far(more: Sequence[str] = ()) -> list[Cell]:
    """The session's cells in the order in which they were run, and then `more`, as far as they are Python."""
    running = shell()
    raw = running.history_manager.input_hist_raw if running is not None else []
    typed: list[tuple[int | None, str]] = [*enumerate(raw), *((None, text) for text in more)]
    session = [Cell(number, as_python(text)) for number, text in typed]
    return [cell for cell in session if cell.text.strip() and parses(cell.text)]


def as_python(text: str) -> str:
    """A cell with a comment in the place of the magic of its first line, and with its other magics as calls."""
    if magic := re.match(r"\s*%%(\w+).*", text):
        text = f"#{text[magic.end() :]}" if magic[1] in RUN_HERE else ""
    running = shell()
    return running.transform_cell(text) if running is not None else text


def parses(text: str) -> bool:
    """Is this text Python?"""
    try:
        ast.parse(text)
    except SyntaxError:
        return False
    return True


@contextmanager
def written(cells: Sequence[Cell]) -> Iterator[Path]:
    """A notebook of these cells in a temporary folder, with this session's import path."""
    with tempfile.TemporaryDirectory(prefix="samegrad-") as folder:
        path = Path(folder) / FILE
        code = [_import_path(), *(cell.text for cell in cells)]
        content = {"nbformat": 4, "nbformat_minor": 5, "metadata": {}}
        listed = [{"cell_type": "code", "source": text, "metadata": {}, "outputs": []} for text in code]
        path.write_text(json.dumps({**content, "cells": listed}), encoding="utf-8")
        yield path


def _import_path() -> str:
    """One line, so that what the session can import can be imported where the cells are checked."""
    entries = [os.path.abspath(entry) for entry in sys.path]
    return f"import sys; sys.path += [p for p in {entries!r} if p not in sys.path]"


def in_own_words(report: Report, cells: Sequence[Cell], path: Path) -> Report:
    """The report with the temporary notebook's name and lines as the session's cells."""

    def line(match: re.Match[str]) -> str:
        return _where(int(match[1]), cells)

    def own(text: str) -> str:
        text = re.sub(rf'File "[^"\n]*{re.escape(FILE)}", line (\d+)', line, text)
        return text.replace(str(path), "the cells").replace(f"in {FILE}", "in the cells")

    notes = [own(note) for note in report.notes]
    headline, advice, trace = own(report.headline), own(report.advice), own(report.traceback)
    return replace(report, headline=headline, advice=advice, traceback=trace, notes=notes)


def _where(line: int, cells: Sequence[Cell]) -> str:
    """Which line of which cell a line of the notebook is; the first line is ours."""
    line -= 1
    for cell in cells:
        length = len(cell.text.splitlines())
        if line <= length:
            return f"Cell In[{cell.number}], line {line}" if cell.number is not None else f"This cell, line {line}"
        line -= length
    return f"line {line}"
