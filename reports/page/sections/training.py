"""Training curves of one recipe in every framework, their differences, and the share of starts that converge."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from samegrad.benchmarks.results import units
from samegrad.impls.documents.learning import Starts, Training
from samegrad.reports.figures import starts as figure
from samegrad.reports.figures import training
from samegrad.reports.figures.frame import short
from samegrad.reports.figures.training import thinned
from samegrad.reports.material import Material
from samegrad.reports.page import cells
from samegrad.reports.page.forest import Row, scale_of

ID, TITLE = "training", "The same learning"
TEMPLATE = """
{% if curves %}
<p>{{ verdict }}</p>
<figure>
<div class="controls"><label>Show
<select data-curves="training">
{% for panel in curves.panels %}
<option value="{{ loop.index0 }}">{{ panel.title }}</option>
{% endfor %}
</select></label></div>
<div class="plot curves" id="training-plot" data-source="training-data"></div>
<figcaption id="training-plot-caption">{{ description }}</figcaption>
</figure>
<script type="application/json" id="training-data">{{ curves | tojson }}</script>
<p class="note">All from the same weights on the same minibatches; the reference is a textbook training in extended
precision, and the grey band what rounding alone becomes (shadows). Of differences the largest of
each stretch of epochs is drawn; 0 stands at the bottom edge.</p>
<details><summary>Numbers: training</summary>
{{ data_link("training-table", "training") }}
{{ table("training-table", "At the end, and at the farthest", [("implementation", false), ("last loss", true),
  ("largest difference", true), ("farthest parameter", true), ("times the shadows", true),
  ("explained by rounding", false), ("time", true)], rows) }}
</details>
{% endif %}
{% if starts %}
<h3>Which share of starts converges</h3>
<p>{{ starts.verdict }}</p>
<p class="note">{{ starts.how }}</p>
{{ forest(starts.marks) }}
{{ data_link("starts-table", "starts") }}
{{ table("starts-table", starts.caption, starts.columns, starts.rows) }}
{% endif %}
"""
MOST_POINTS = 240
"""More marks than this are thinned: a pixel shows no more."""


def data(material: Material) -> dict[str, Any] | None:
    """None where nothing was trained."""
    found, starts = material.training, material.starts
    drawn = found is not None and bool(found.runs) and bool(found.epochs)
    if not drawn and not (starts and starts.runs):
        return None
    told: dict[str, Any] = {"curves": None, "starts": _starts(starts, material) if starts and starts.runs else None}
    if found is not None and drawn:
        told |= {
            "verdict": _verdict(found),
            "description": training.describe(found),
            "curves": _curves(found, material),
            "rows": _rows(found, material),
        }
    return told


def _verdict(found: Training) -> str:
    astray = [curve.implementation for curve in found.runs if not curve.explained]
    until = ""
    last = found.shadows.comparable_until
    if last < found.epochs[-1]:
        until = f" up to epoch {units.count(last)}, where rounding is amplified beyond comparing"
    if astray:
        return f"{found.title}: rounding does not explain how far {', '.join(astray)} went{until}."
    return f"{found.title}: {len(found.runs)} frameworks follow one curve{until}; what is between them is rounding."


def _curves(found: Training, material: Material) -> dict[str, Any]:
    panels: list[dict[str, Any]] = []
    shadows = found.shadows
    for title, name, unit, spread in (
        ("loss", "losses", "mean squared error", ()),
        (
            "difference from the reference's loss",
            "loss_difference",
            "difference of the loss",
            shadows.loss_spread,
        ),
        ("farthest parameter from the reference's", "distance", "distance", shadows.distance_spread),
    ):
        lines = [
            {
                "name": curve.implementation,
                "label": short(curve.implementation),
                "colour": cells.colour_class(material.looks[curve.implementation].colour),
                "dashes": [2 * dash for dash in material.looks[curve.implementation].dashes],
                "marker": material.looks[curve.implementation].marker,
                "points": _points(found.epochs, getattr(curve, name), largest=bool(spread)),
            }
            for curve in found.runs
        ]
        band = [[epoch, 0.0, value] for epoch, value in _points(found.epochs, spread, largest=True)]
        drawn = [line for line in lines if line["points"]]
        if drawn:
            panels.append({"title": title, "y": unit, "lines": drawn, "band": band})
    return {"x": "epoch", "linear": True, "panels": panels}


def _points(epochs: Sequence[float], values: Sequence[float], largest: bool) -> list[list[float]]:
    at, kept = thinned(epochs, values, MOST_POINTS, largest)
    return [[epoch, float(f"{value:.4g}")] for epoch, value in zip(at, kept, strict=True)]


def _rows(found: Training, material: Material) -> list[list[cells.Cell]]:
    return [
        [
            cells.name(curve.implementation, material.looks),
            _small(curve.losses[-1]),
            _small(max(curve.loss_difference)),
            _small(max(curve.distance)),
            cells.cell(units.significant(curve.times_shadow, 2), curve.times_shadow),
            cells.cell("yes" if curve.explained else "no", css="" if curve.explained else "slower"),
            cells.time(curve.seconds * 1e9),
        ]
        for curve in found.runs
    ]


def _small(value: float) -> cells.Cell:
    return cells.cell(f"{value:.2e}", value)


def _starts(starts: Starts, material: Material) -> dict[str, Any]:
    count = starts.seeds.count
    scale = scale_of(end for share in starts.runs for end in figure.span(share))
    percentiles = list(dict.fromkeys(key for share in starts.runs for key in share.quantiles or ()))
    verdict = (
        "The same starts converge in all."
        if starts.agree and not starts.different
        else (
            f"{len(starts.different)} of {count:,} starts converge in one framework and not in another"
            + (", all of them needing nearly all epochs, so that a rounding decides." if starts.agree else ".")
        )
    )
    return {
        "verdict": verdict,
        "how": f"The share that converged, and the median of the epochs needed ({figure.percentiles(starts)}).",
        "marks": [
            Row(
                name=share.implementation,
                colour=cells.colour_class(material.looks[share.implementation].colour),
                mark=scale.mark(*figure.span(share)),
                said=figure.said(share),
            )
            for share in starts.runs
        ],
        "caption": f"{count:,} starts; converged: an error below {starts.threshold:g}; epochs by percentile",
        "columns": [("implementation", False), ("converged", True), *((f"{p} %", True) for p in percentiles)],
        "rows": [
            [
                cells.name(share.implementation, material.looks),
                cells.cell(f"{100 * share.share:.3g} %", share.share),
                *(_epochs((share.quantiles or {}).get(percentile, math.nan)) for percentile in percentiles),
            ]
            for share in starts.runs
        ],
    }


def _epochs(value: float) -> cells.Cell:
    return cells.cell(units.count(value) if math.isfinite(value) else "–", value)
