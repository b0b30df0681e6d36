"""The ladder's goals: how much of each was reached, on one logarithmic axis; right of 1 it is kept."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from samegrad.benchmarks.documents.ladder import Goal, Ladder
from samegrad.benchmarks.results import units
from samegrad.reports import style
from samegrad.reports.figures.frame import beside, sheet, short
from samegrad.reports.style import Look

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NAME = "ladder-goals"
TITLE = "Measured against promised"
ROW_IN, NAME_IN, SAID_IN = 0.2, 4.45, 2.0
MOST = 60
"""More goals than this are left to the table."""


def shown(ladder: Ladder) -> list[Goal]:
    """The goals that were measured, at most so many."""
    return [goal for goal in ladder.goals if goal.ratio and goal.factor][:MOST]


def reached(goal: Goal) -> tuple[float, float, float]:
    """How much of the goal was reached, and the ends of its interval in the same measure."""
    low, high = sorted(goal.reached(end) for end in (goal.low, goal.high) if end) or (math.nan, math.nan)
    return goal.reached(goal.ratio or math.nan), low, high


def limits(goals: list[Goal]) -> tuple[float, float]:
    """The ends of the axis: all ratios, the goal, and a little more; of wider intervals a part is drawn."""
    values = [1.0, *(reached(goal)[0] for goal in goals)]
    return min(values) / 2, max(values) * 2


def rows(ladder: Ladder) -> list[dict[str, Any]]:
    """The figure's numbers, one row per goal, measured or not."""
    return [
        {
            "what": goal.said,
            "batch": goal.batch,
            "goal": goal.factor,
            "at_most": goal.at_most,
            "ratio": goal.ratio,
            "low": goal.low,
            "high": goal.high,
            "result": goal.word,
        }
        for goal in ladder.goals
    ]


def draw(ladder: Ladder, looks: Mapping[str, Look]) -> Figure | None:
    """One row per goal; None where none was measured."""
    goals = shown(ladder)
    if not goals:
        return None
    subheading = "How much of its goal each ratio reaches, with its interval; right of the line the goal is kept."
    notes = [f"NOISY run: {ladder.doubts[0]}"] if ladder.doubts else []
    notes += [f"samegrad ladder · xor, float32, one thread · {ladder.started[:16].replace('T', ' ')}"]
    page = sheet(notes, TITLE, subheading, 1, 1, ROW_IN * len(goals), NAME_IN, SAID_IN, every_axis=True)
    (axes,) = page.panels
    marks = [reached(goal) for goal in goals]
    colours = [looks[goal.best].colour if goal.best and goal.best in looks else style.MUTED for goal in goals]
    bounded = [place for place, (_, low, _) in enumerate(marks) if math.isfinite(low)]
    least, most = limits(goals)
    lows = [max(marks[place][1], least) for place in bounded]
    highs = [min(marks[place][2], most) for place in bounded]
    axes.hlines(bounded, lows, highs, color=[colours[place] for place in bounded], linewidth=1.6, alpha=0.55)
    axes.scatter([value for value, _, _ in marks], range(len(marks)), s=25, c=colours, zorder=2)
    axes.axvline(1, color=style.INK, linewidth=1)
    for place, goal in enumerate(goals):
        beside(axes, most, place, _said(goal), 6)
    axes.set_xscale("log")
    axes.set(xlim=(least, most), ylim=(len(goals) - 0.4, -0.6), xlabel="times the goal")
    axes.set_yticks(
        range(len(goals)), [f"{short(goal.said, 54)}, batch {units.count(goal.batch)}" for goal in goals], size=8
    )
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="y", visible=False)
    _ticks(axes)
    return page.figure


def _ticks(axes: Any) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}×"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.tick_params(axis="x", which="minor", length=0)


def _said(goal: Goal) -> str:
    return f"{units.ratio(goal.ratio)}× of {goal.target}: {goal.word}"
