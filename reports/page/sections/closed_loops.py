"""Optimizers in training: whether rounding explains what is between every framework and the textbook."""

from __future__ import annotations

from typing import Any

from samegrad.benchmarks.results import units
from samegrad.impls.documents.optimizers import ClosedLoopRow, ClosedLoops
from samegrad.reports.material import Material
from samegrad.reports.page import cells

ID, TITLE = "closed-loops", "The same optimizers in training"
TEMPLATE = """
<p>{{ verdict }}</p>
<p class="note">From samegrad optimizers --closed-loop: each problem's recipe with each optimizer, aligned. Numbers are
how many times as far from the textbook's parameters as shadows get, whose every gradient is perturbed by one rounding;
up to {{ allowed }} times is rounding. Beyond “comparable until” rounding is amplified too far to compare.</p>
{{ data_link("closed-loops-table", "closed-loops") }}
{{ table("closed-loops-table", "Times the shadows", columns, rows) }}
{% for name, reason in left_out %}
<p class="note">Left out: {{ name }}: {{ reason }}</p>
{% endfor %}
"""


def data(material: Material) -> dict[str, Any] | None:
    """None where nothing was trained."""
    found = material.closed_loops
    if found is None or not found.rows:
        return None
    names = found.implementations
    trainings = dict.fromkeys((row.problem, row.optimizer) for row in found.rows)
    return {
        "verdict": _verdict(found),
        "allowed": units.significant(found.settings.allowed, 2),
        "columns": [
            *(("problem", False), ("optimizer", False), ("epochs", True), ("comparable until", True)),
            *((name, True) for name in names),
        ],
        "rows": [
            _row(found, [row for row in found.rows if (row.problem, row.optimizer) == training])
            for training in trainings
        ],
        "left_out": list((found.left_out | found.failed).items()),
    }


def _verdict(found: ClosedLoops) -> str:
    astray = [row for row in found.rows if not found.is_explained(row)]
    if not astray:
        return f"Rounding explains what is between all {len(found.rows)} trainings and the textbook's."
    told = ", ".join(f"{row.problem} with {row.optimizer} by {row.implementation}" for row in astray[:5])
    more = f" and {len(astray) - 5} more" if len(astray) > 5 else ""
    return f"Of {len(found.rows)} trainings rounding does not explain {len(astray)}: {told}{more}."


def _row(found: ClosedLoops, here: list[ClosedLoopRow]) -> list[cells.Cell]:
    first, by_name = here[0], {row.implementation: row for row in here}
    told: list[cells.Cell] = [first.problem, first.optimizer, _epochs(first.epochs), _epochs(first.comparable_until)]
    for name in found.implementations:
        row = by_name.get(name)
        alarm = "slower" if row and not found.is_explained(row) else ""
        told.append(cells.cell(units.significant(row.times_shadow, 2), row.times_shadow, css=alarm) if row else "–")
    return told


def _epochs(value: int) -> cells.Cell:
    return cells.cell(units.count(value), value)
