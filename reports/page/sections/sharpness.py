"""How sharp gradient checkers are: of many planted mistakes, how many each lets pass."""

from __future__ import annotations

from typing import Any

from samegrad.benchmarks.results import units
from samegrad.impls.documents.sharpness import Sharpness
from samegrad.reports.material import Material
from samegrad.reports.page import cells

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
        "planted": f"{units.count(found.planted_per_scale)} mistakes planted at each scale and "
        f"{units.count(found.downcasts_planted)} downcasts to a lower precision, {found.date[:10]}",
        "columns": [
            ("checker", False),
            *((f"missed, scale {scale}", True) for scale in found.missed),
            ("downcasts missed", True),
            ("false alarms", True),
            ("of right code", True),
        ],
        "rows": [_row(found, checker) for checker in found.checkers],
    }


def _verdict(found: Sharpness) -> str:
    planted = found.planted_per_scale * len(found.missed)
    told = [f"{name} {units.count(sum(of[name] for of in found.missed.values()))}" for name in found.checkers]
    return f"Of {units.count(planted)} planted mistakes are missed: by {', by '.join(told)}."


def _row(found: Sharpness, checker: str) -> list[cells.Cell]:
    missed = [of[checker] for of in found.missed.values()]
    counts = [*missed, found.downcasts_missed[checker], *found.alarms(checker)]
    return [checker, *(cells.cell(units.count(count), count) for count in counts)]
