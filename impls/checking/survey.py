"""`samegrad agree`, whole: agreement, drift and known faults of the implementations, in one document."""

from __future__ import annotations

import platform
from collections.abc import Callable, Sequence
from typing import Any

from rich.console import Group, RenderableType

from impls.checking import agree, drift, known_faults
from impls.checking.tables import render_agree, render_drift, render_faults
from impls.documents.base import made
from impls.problem import DTYPES, PROBLEMS

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
    """Measure all, one process at a time; return the fields of `Agreement`. `progress` gets a line before each."""
    how: dict[str, Any] = {
        "problems": problems,
        "dtypes": dtypes,
        "device": device,
        "threads": threads,
        "timeout_s": timeout_s,
        "progress": progress,
    }
    return {
        "date": made(),
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
