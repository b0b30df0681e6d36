"""`samegrad agree`, whole: agreement, drift and known faults of the implementations, in one document."""

from __future__ import annotations

import platform
from collections.abc import Callable, Sequence
from typing import Any

from rich.console import Group, RenderableType

from samegrad.impls.checking import agree, drift, known_faults
from samegrad.impls.checking.tables import render_agree, render_drift, render_faults, render_in_short
from samegrad.impls.documents.base import made
from samegrad.impls.problem import DTYPES, PROBLEMS

AGREE, DISAGREE, NOT_SHOWN = 0, 1, 2
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


def steps(implementations: Sequence[str], with_drift: bool) -> int:
    """How many progress messages `run` will give."""
    return (1 + with_drift) * len(implementations) + with_drift + len(list(known_faults.known(implementations)))


def render(result: dict[str, Any], whole: bool = True) -> RenderableType:
    """All tables, for the terminal; or a line for each implementation."""
    if not whole:
        return render_in_short(result)
    parts = [render_agree(result["agree"])]
    if result["drift"]:
        parts.append(render_drift(result["drift"]))
    return Group(*parts, render_faults(result["known_faults"]))


def exit_status(result: dict[str, Any]) -> int:
    """1 where something disagrees or rounding does not explain its drift, 2 where nothing was shown, else 0.

    Nothing is shown where nothing was measured, or an implementation failed. Known faults that are outside the
    implementations do not count.
    """
    if agree.disagreements(result["agree"]) or drift.unexplained(result["drift"] or NO_DRIFT):
        return DISAGREE
    parts = [part for part in (result["agree"], result["drift"]) if part]
    is_shown = all(any("left_out" not in row for row in part["rows"]) and not part["failed"] for part in parts)
    return AGREE if is_shown else NOT_SHOWN
