"""How sharp gradient checkers are: of many planted mistakes, how many each lets pass."""

from __future__ import annotations

import math
from typing import Any

from benchmarks.results import units
from reports.material import Material
from reports.page import cells
from reports.sharpness import Checker, Sharpness

ID, TITLE = "sharpness", "How sharp the check is"
TEMPLATE = """
<p>{{ verdict }}</p>
<p class="note">{{ planted }}, by checker; every mistake is one that people make in a hand-written backward pass. At
scale 10 most units are saturated, so that gradients are small. False alarms are over right code, ours in both dtypes
and at scale 100 too.</p>
{{ data_link("sharpness-table", "sharpness") }}
{{ table("sharpness-table", "Planted mistakes that are missed, and right code that is called wrong", columns, rows) }}
"""


def data(material: Material) -> dict[str, Any] | None:
    """None where it was not measured."""
    found = material.sharpness
    if found is None or not found.checkers:
        return None
    return {
        "verdict": _verdict(found),
        "planted": f"{units.count(found.planted)} mistakes planted at each scale and {units.count(found.downcasts)} "
        f"downcasts to a lower precision, {found.date[:10]}"
        if math.isfinite(found.planted + found.downcasts)
        else "Mistakes planted",
        "columns": [
            ("checker", False),
            *((f"missed, scale {scale}", True) for scale in found.scales),
            ("downcasts missed", True),
            ("false alarms", True),
            ("of right code", True),
        ],
        "rows": [_row(found, checker) for checker in found.checkers],
    }


def _verdict(found: Sharpness) -> str:
    told = [f"{checker.name} {units.count(sum(checker.missed.values()))}" for checker in found.checkers]
    return f"Of {units.count(found.planted * len(found.scales))} planted mistakes are missed: by {', by '.join(told)}."


def _row(found: Sharpness, checker: Checker) -> list[cells.Cell]:
    counts = [*(checker.missed.get(scale, math.nan) for scale in found.scales), checker.downcasts_missed]
    return [checker.name, *map(_count, counts), _count(checker.false_alarms), _count(checker.right_code)]


def _count(value: float) -> cells.Cell:
    return cells.cell(units.count(value), value) if math.isfinite(value) else "–"
