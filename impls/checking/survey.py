"""`samegrad agree`, whole: agreement, drift and known faults of the implementations, in one JSON document.

The document is JSON:

    format, format_version, date, python, machine
    agree            settings, versions, rows, left_out, failed: see `agree.run`
    drift            settings, shadows, rows, left_out, failed: see `drift.run`; null if it was not asked for
    known_faults     a list of name, what, cure, source, present, evidence, versions: see `known_faults.check`
"""

from __future__ import annotations

import datetime
import json
import platform
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from rich.console import Group, RenderableType

from impls.checking import agree, drift, known_faults
from impls.checking.tables import render_agree, render_drift, render_faults
from impls.files import write_whole
from impls.problem import DTYPES, PROBLEMS

FORMAT = "samegrad-agreement"
FORMAT_VERSION = 1
NO_DRIFT: dict[str, Any] = {"rows": []}


def run(
    implementations: Sequence[str],
    *,
    problems: Sequence[str] = tuple(PROBLEMS),
    dtypes: Sequence[str] = DTYPES,
    scales: Sequence[float] = agree.SCALES,
    seeds: Sequence[int] = agree.SEEDS,
    device: str = "cpu",
    threads: int = 1,
    with_drift: bool = True,
    timeout_s: float = agree.TIMEOUT_S,
    progress: Callable[[str], None] = lambda line: None,
) -> dict[str, Any]:
    """Measure it all, one process at a time. `progress` gets a line before each."""
    how: dict[str, Any] = {
        "problems": problems,
        "dtypes": dtypes,
        "device": device,
        "threads": threads,
        "timeout_s": timeout_s,
        "progress": progress,
    }
    return {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "machine": platform.machine(),
        "agree": agree.run(implementations, scales=scales, seeds=seeds, **how),
        "drift": drift.run(implementations, **how) if with_drift else None,
        "known_faults": known_faults.run(implementations, progress),
    }


def render(result: dict[str, Any]) -> RenderableType:
    """All tables, for the terminal."""
    parts = [render_agree(result["agree"])]
    if result["drift"]:
        parts.append(render_drift(result["drift"]))
    return Group(*parts, render_faults(result["known_faults"]))


def all_agree(result: dict[str, Any]) -> bool:
    """Whether something was measured, nothing disagreed or failed, and rounding explains all drift.

    Known faults that lie outside the implementations do not count.
    """
    parts = [part for part in (result["agree"], result["drift"]) if part]
    measured = all(part["rows"] and not part["failed"] for part in parts)
    return measured and not agree.disagreements(result["agree"]) and not drift.unexplained(result["drift"] or NO_DRIFT)


def save(result: dict[str, Any], path: str | Path) -> None:
    """Write the document, whole or not at all. Raises OSError where the folder cannot be written."""
    write_whole(path, json.dumps(result, indent=1, allow_nan=False).encode())
