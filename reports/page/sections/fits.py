"""The two numbers that describe an implementation: its fixed cost per call and its cost per row."""

from __future__ import annotations

import math
from typing import Any

from samegrad.benchmarks.results import passes, units
from samegrad.reports import style
from samegrad.reports.answer import headline
from samegrad.reports.figures import fits
from samegrad.reports.material import Material
from samegrad.reports.page import cells
from samegrad.reports.page.forest import Row, scale_of
from samegrad.reports.records import Fitted

ID, TITLE = "fits", "Fixed cost and rate"
TEMPLATE = """
<p class="note">t(n) = t0 + n/r∞: the fixed cost t0 of a call, the cost 1/r∞ of a row, and the batch n½ = t0·r∞ at which
half of the time is fixed cost (Hockney and Jesshope). Fitted to each launch's medians on relative residuals; intervals
are Student's t over launches, 95 % each. A ring stands where a line does not describe the data.{{ left_out }}</p>
<div class="controls"><label{% if panels | length < 2 %} hidden{% endif %}>Case
<select data-panels="fits">
{% for panel in panels %}
<option value="{{ panel.id }}"{{ " selected" if panel.title == first }}>{{ panel.title }}</option>
{% endfor %}
</select></label></div>
{% for panel in panels %}
<div class="panel" data-of="fits" id="{{ panel.id }}-panel">
<h3>{{ panel.title }}</h3>
<div class="twin"><div><p class="note">Fixed cost t0 of a call</p>{{ forest(panel.fixed) }}</div>
<div><p class="note">Cost 1/r∞ of a row</p>{{ forest(panel.each) }}</div></div>
<details><summary>Numbers: fixed cost and rate, {{ panel.title }}</summary>
{{ data_link(panel.id, panel.id) }}
{{ table(panel.id, panel.title, [("implementation", false), ("t0", true), ("interval", true), ("per row", true),
  ("interval of it", true), ("n½", true), ("does a line describe the data?", false)], panel.rows) }}
</details>
</div>
{% endfor %}
"""
DESCRIBED = {True: "yes", False: "no", None: "–"}
MOST_PANELS = 12
"""Each of more panels than this is left to the CSV file, so that the page stays small."""
PREAMBLE = "a line does not describe the data: "


def data(material: Material) -> dict[str, Any] | None:
    """One panel per problem, pass, dtype and device, plain passes first; None without fits."""
    run, looks = material.run, material.looks
    found: list[list[Fitted]] = []
    for dtype, device in dict.fromkeys((fit.dtype, fit.device) for fit in run.fits):
        found += fits.panels([fit for fit in run.fits if (fit.dtype, fit.device) == (dtype, device)]).values()
    first = headline(run)[0] if run.groups else None
    panels = [_panel(number, of, looks) for number, of in enumerate(found[:MOST_PANELS], start=1)]
    here = first and f"{first.what}, {first.setting}"
    left_out = f" {len(found) - MOST_PANELS} more are in the CSV file." if len(found) > MOST_PANELS else ""
    return {"panels": panels, "first": here, "left_out": left_out} if panels else None


def _panel(number: int, of: list[Fitted], looks: dict[str, style.Look]) -> dict[str, Any]:
    """One problem, pass, dtype and device."""
    fit = of[0]
    return {
        "id": f"fits-{number}",
        "title": f"{fit.problem} {passes.title(fit.pass_)}, {fit.dtype} on {fit.device}",
        "fixed": _marks(of, [f.t0_ns for f in of], looks),
        "each": _marks(of, [f.per_row_ns for f in of], looks),
        "rows": [_row(fit, looks) for fit in of],
    }


def _marks(of: list[Fitted], numbers: list[tuple[float, float, float]], looks: dict[str, style.Look]) -> list[Row]:
    scale = scale_of(value for three in numbers for value in three)
    return [
        Row(
            name=fit.implementation,
            colour=cells.colour_class(looks[fit.implementation].colour),
            mark=scale.mark(*three),
            said=units.time(three[0]),
            ring=fit.fit.describes is False,
        )
        for fit, three in zip(of, numbers, strict=True)
    ]


def _row(fit: Fitted, looks: dict[str, style.Look]) -> list[cells.Cell]:
    found = fit.fit
    half = "–" if found.half_batch is None else units.count(float(f"{found.half_batch:.2g}"))
    described = DESCRIBED[found.describes]
    return [
        cells.name(fit.implementation, looks),
        cells.time(found.t0_ns),
        _interval(*fit.t0_ns[1:]),
        cells.time(found.per_row_ns),
        _interval(*fit.per_row_ns[1:]),
        cells.cell(half, found.half_batch),
        f"{described}: {found.statement.removeprefix(PREAMBLE)}" if found.describes is False else described,
    ]


def _interval(low: float, high: float) -> str:
    return f"{units.time(low)} to {units.time(high)}" if math.isfinite(low + high) else "–"
