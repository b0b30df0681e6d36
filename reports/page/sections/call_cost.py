"""The cost of a call, taken apart: an empty call, handing the work over, waiting for it, and fetching the result."""

from __future__ import annotations

from typing import Any

from samegrad.benchmarks.documents.ladder import CallCost
from samegrad.benchmarks.results import units
from samegrad.reports.figures import call_cost
from samegrad.reports.figures.frame import MOST
from samegrad.reports.material import Material
from samegrad.reports.page import cells

ID, TITLE = "call-cost", "The cost of a call, taken apart"
TEMPLATE = """
<p class="note">From samegrad ladder, {{ date }}: a gradient of xor at batch 4, where the arithmetic is nearly free.
From dark to light: {{ parts | join(", ") }}. Each is the median over new processes of the paired difference between two
callables: a function that does nothing, the pass without waiting, the pass, and the pass with its result in NumPy. Bars
are shares; a difference below 0 (an empty call may take longer than what a pass uses of it) has none.</p>
<ul class="bars">
{% for bar in bars %}
<li class="{{ bar.colour }}"><span class="name">{{ bar.name }}</span><span class="track"><span
class="stack whole">{% for share in bar.shares %}<span style="flex: {{ share }}"></span>{% endfor %}</span>
<span class="said">{{ bar.said }}</span></span></li>
{% endfor %}
</ul>
<details><summary>Numbers: the cost of a call</summary>
{{ data_link("call-cost-table", "cost-of-a-call") }}
{{ table("call-cost-table", "Medians over processes; a difference may be below 0 by chance", columns, rows) }}
</details>
"""


def data(material: Material) -> dict[str, Any] | None:
    """None where no call was taken apart."""
    found = material.ladder
    if found is None or not found.costs:
        return None
    parts = call_cost.parts(found)
    return {
        "date": found.started[:16].replace("T", " "),
        "parts": parts,
        "bars": [_bar(cost, parts, material) for cost in found.costs[:MOST]],
        "columns": [("implementation", False), *((part, True) for part in (*parts, "sum"))],
        "rows": [
            [
                cells.name(cost.implementation, material.looks),
                *(cells.time(cost.medians_ns[part]) if part in cost.parts else "–" for part in parts),
                cells.time(cost.total_ns),
            ]
            for cost in found.costs
        ],
    }


def _bar(cost: CallCost, parts: list[str], material: Material) -> dict[str, Any]:
    told = ", ".join(f"{part} {units.time(ns, 2)}" for part, ns in cost.medians_ns.items())
    return {
        "name": cost.implementation,
        "colour": cells.colour_class(material.looks[cost.implementation].colour),
        "shares": [f"{call_cost.share(cost, part):.4f}" for part in parts],
        "said": f"{units.time(cost.total_ns)}: {told}",
    }
