"""Drift: how far training leads each implementation from float64, beside shadows that only round."""

from __future__ import annotations

from typing import Any

from samegrad.benchmarks.results import units
from samegrad.impls.documents.agreement import DriftRow
from samegrad.reports.figures import drift
from samegrad.reports.figures.frame import short
from samegrad.reports.material import Material
from samegrad.reports.page import cells

ID, TITLE = "drift", "Training together"
TEMPLATE = """
<p>{{ verdict }}</p>
<figure>
<div class="controls"><label>Case
<select data-curves="drift">
{% for panel in curves.panels %}
<option value="{{ loop.index0 }}">{{ panel.title }}</option>
{% endfor %}
</select></label></div>
<div class="plot curves" id="drift-plot" data-source="drift-data"></div>
<figcaption id="drift-plot-caption">{{ description }}</figcaption>
</figure>
<script type="application/json" id="drift-data">{{ curves | tojson }}</script>
<p class="note">The farthest parameter from the same training in float64, plain gradient descent from the same weights.
The grey band reaches from the median to the farthest of ten shadows: trainings without an error, whose every gradient
is perturbed by one rounding. A distance of 0 stands at the bottom edge.</p>
<details><summary>Numbers: drift</summary>
{{ data_link("drift-table", "drift") }}
{{ table("drift-table", "Distance from float64", [("implementation", false), ("problem", false), ("dtype", false),
  ("step", true), ("distance", true), ("in", false), ("times the farthest shadow", true),
  ("explained by rounding", false)], rows) }}
</details>
"""


def data(material: Material) -> dict[str, Any] | None:
    """None without drift."""
    found = material.agreement
    if found is None or not found.distances:
        return None
    return {
        "verdict": _verdict(found.distances),
        "description": drift.describe(found),
        "curves": {
            "x": "step",
            "y": "distance from float64",
            "panels": [
                {
                    "title": f"{problem}, {dtype}",
                    "band": [[s.step, s.median, s.largest] for s in shadows],
                    "lines": [
                        {
                            "name": name,
                            "label": short(name),
                            "colour": cells.colour_class(material.looks[name].colour),
                            "dashes": [2 * dash for dash in material.looks[name].dashes],
                            "marker": material.looks[name].marker,
                            "points": [[distance.step, distance.distance] for distance in line],
                        }
                        for name, line in lines.items()
                    ],
                }
                for (problem, dtype), (lines, shadows) in drift.panels(found).items()
            ],
        },
        "rows": [
            [
                cells.name(row.implementation, material.looks),
                row.problem,
                row.dtype,
                cells.cell(units.count(row.step), row.step),
                cells.cell(f"{row.distance:.1e}", row.distance),
                row.tensor,
                cells.cell(units.significant(row.times_shadow, 2), row.times_shadow),
                cells.cell("yes" if row.explained else "no", css="" if row.explained else "slower"),
            ]
            for row in found.distances
        ],
    }


def _verdict(distances: list[DriftRow]) -> str:
    astray = list(dict.fromkeys(row.implementation for row in distances if not row.explained))
    most = max(row.times_shadow for row in distances)
    if astray:
        return f"Rounding does not explain how far {', '.join(astray)} went: there is an error of its own."
    return f"Rounding explains all of it: the farthest went {units.significant(most, 2)} times as far as the shadows."
