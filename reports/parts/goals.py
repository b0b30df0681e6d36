"""The ladder's goals: what the best way of each framework was promised to be, beside what was measured."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from samegrad.benchmarks.documents.ladder import MET, MISSED, Goal
from samegrad.benchmarks.results.units import count, minute, ratio
from samegrad.reports import cells, style
from samegrad.reports.figures import points
from samegrad.reports.material import Material
from samegrad.reports.part import Block, Columns, Figure, ReportPart, Text, facts, left_out, note, table

ID, TITLE = "goals", "This project's own goals, and what was measured"
MOST = 60
"""The most goals in the figure; more are left to the table."""
NO_LOOK = style.Look(style.MUTED, (), "o")
THE_GOAL = (1.0, "the goal", style.Look(style.INK, (), "o"))


def part(material: Material) -> ReportPart | None:
    """A row for each goal, right of the line where it is met; None without a ladder's goals."""
    ladder = material.ladder
    if ladder is None or not ladder.goals:
        return None
    doubts = [f"NOISY run: {ladder.doubts[0]}"] if ladder.doubts else []
    rows = [{"what": goal.in_words} | facts(goal, "batch factor at_most ratio low high word") for goal in ladder.goals]
    columns: Columns = {
        "what": lambda goal: goal.in_words,
        "batch": lambda goal: cells.count(goal.batch),
        "goal": lambda goal: cells.cell(goal.target, goal.factor),
        "measured": lambda goal: cells.ratio(goal.ratio),
        "interval": lambda goal: cells.interval(goal.low, goal.high),
        "result": lambda goal: cells.judged(goal.word, {MET: True, MISSED: False}.get(goal.word)),
    }
    marks = [_mark(goal, material) for goal in ladder.goals if goal.ratio and goal.factor][:MOST]
    caption = "Ratios of times, with intervals (95 %, corrected for the choice of the best rung)"
    numbers = table("goals-table", caption, ladder.goals, columns, "Numbers: measured against promised")
    how = f"""From samegrad ladder, {minute(ladder.started)}: xor, one thread, float32, all rungs measured side by side.
        A point right of the line meets its goal; a goal is met or missed only where the whole interval shows it."""
    blocks: list[Block] = [Text(verdict(ladder.goals)), *(Text(line, "alarm") for line in doubts), note(how)]
    if marks:
        notes = [*doubts, f"samegrad ladder · xor, float32, one thread · {minute(ladder.started)}"]
        subheading = "How much of its goal each ratio reaches, by batch, with its interval; right of the line: met."
        panel = points.PointPanel("", marks, "times the goal", THE_GOAL)

        def draw() -> points.Figure:
            times = lambda value: f"{value:g}×"  # noqa: E731
            return points.draw(notes, "Measured against promised", subheading, [panel], times, most_characters=58)

        words = "; ".join(f"{mark.name}: {mark.text}" for mark in marks)
        blocks.append(Figure("ladder-goals", draw, rows, f"Measured against promised. {words}."))
    return ReportPart(ID, TITLE, [*blocks, numbers, *left_out(_by_name(ladder.absent))])


def _by_name(reasons: dict[str, str]) -> dict[str, str]:
    """The reasons by implementation, whatever the case in which it was left out."""
    return {case.rpartition(": ")[2]: reason for case, reason in reasons.items()}


def _mark(goal: Goal, material: Material) -> points.Mark:
    look = material.looks.get(goal.best or "", NO_LOOK)
    text = f"{ratio(goal.ratio)}× of {goal.target}: {goal.word}"
    return points.Mark(f"{goal.best or goal.ours} {goal.compared}, {count(goal.batch)}", look, *reached(goal), text)


def reached(goal: Goal) -> tuple[float, float, float]:
    """How much of the goal was reached, and the ends of its interval in the same measure."""
    ends = (goal.low or math.nan, goal.high or math.nan)
    low, high = sorted(goal.reached(end) for end in ends) if all(map(math.isfinite, ends)) else (math.nan, math.nan)
    return goal.reached(goal.ratio or math.nan), low, high


def verdict(goals: Sequence[Goal]) -> str:
    """The outcome in one sentence: `Of 20 goals: 15 met, 3 not resolved, 2 missed.`"""
    asked = [goal.word for goal in goals if goal.factor is not None]
    each = ", ".join(f"{number} {word}" for word, number in Counter(asked).items())
    return f"Of {len(asked)} goals: {each}." if asked else "Nothing was promised; these are the figures."
