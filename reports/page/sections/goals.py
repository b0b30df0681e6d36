"""The ladder's goals: what the best way of each framework was promised to be, beside what was measured."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from samegrad.benchmarks.documents.ladder import MET, MISSED, Goal
from samegrad.benchmarks.results import units
from samegrad.reports.figures import goals
from samegrad.reports.material import Material
from samegrad.reports.page import cells
from samegrad.reports.page.forest import Row, Scale

ID, TITLE = "goals", "Measured against promised"
TEMPLATE = """
<p>{{ verdict }}</p>
{% for line in doubts %}
<p class="alarm" role="note"><strong>NOISY ladder run: {{ line }}</strong></p>
{% endfor %}
<p class="note">From samegrad ladder, {{ date }}: xor, one thread, float32, all rungs measured side by side. A dot right
of the line keeps its goal; a goal is met or missed only where the whole interval says so.</p>
{{ forest(rows, line) }}
<details><summary>Numbers: measured against promised</summary>
{{ data_link("goals-table", "ladder-goals") }}
{{ table("goals-table", "Ratios of times, with intervals (95 %, corrected for the choice of the best rung)", [
  ("what", false), ("batch", true), ("goal", true), ("measured", true), ("interval", true), ("result", false)],
  numbers) }}
</details>
{% for reason, names in left_out %}
<p class="note">Left out: {{ names | join(", ") }}: {{ reason }}</p>
{% endfor %}
"""
GOOD = {MET: "equivalent", MISSED: "slower"}


def data(material: Material) -> dict[str, Any] | None:
    """None without a ladder's goals."""
    found = material.ladder
    if found is None or not found.goals:
        return None
    shown = goals.shown(found)
    scale = Scale(*goals.limits(shown))
    return {
        "verdict": verdict(found.goals),
        "doubts": found.doubts[:1],
        "date": found.started[:16].replace("T", " "),
        "line": f"{scale.at(1.0):.2f}",
        "rows": [
            Row(
                name=f"{goal.said}, batch {units.count(goal.batch)}",
                colour=cells.colour_class(material.looks[goal.best].colour)
                if goal.best and goal.best in material.looks
                else "",
                mark=scale.mark(*goals.reached(goal)),
                said=_measured(goal),
                detail=f"goal {goal.target}: {goal.word}",
            )
            for goal in shown
        ],
        "numbers": [_row(goal) for goal in found.goals],
        "left_out": _left_out(found.absent),
    }


def _colour(goal: Goal, material: Material) -> str:
    look = material.looks.get(goal.best or "")
    return cells.colour_class(look.colour) if look else ""


def _left_out(reasons: dict[str, str]) -> list[tuple[str, list[str]]]:
    """Each reason once, with the implementations that it left out of one case or another."""
    told: dict[str, list[str]] = {}
    for what, reason in reasons.items():
        name = what.rpartition(": ")[2]
        if name not in told.setdefault(reason, []):
            told[reason].append(name)
    return list(told.items())


def verdict(found: Sequence[Goal]) -> str:
    """`Of 20 goals 15 are met, 3 not resolved, 2 missed.`"""
    asked = [goal.word for goal in found if goal.factor is not None]
    told = ", ".join(f"{count} {word}" for word, count in Counter(asked).items())
    return f"Of {len(asked)} goals: {told}." if asked else "Nothing was promised; these are the figures."


def _measured(goal: Goal) -> str:
    interval = units.interval(goal.low, goal.high)
    return f"{units.ratio(goal.ratio)}×" + (f" ({interval})" if interval else "")


def _row(goal: Goal) -> list[cells.Cell]:
    return [
        goal.said,
        cells.batch(goal.batch),
        cells.cell(goal.target, goal.factor),
        "–" if goal.ratio is None else cells.ratio(goal.ratio),
        units.interval(goal.low, goal.high) or "–",
        cells.cell(goal.word, css=GOOD.get(goal.word, "")),
    ]
