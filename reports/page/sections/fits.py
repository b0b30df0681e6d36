"""The two numbers that describe an implementation: its fixed cost per call and its cost per row."""

from __future__ import annotations

import math
from typing import Any

from reports import style, units
from reports.figures import fits
from reports.material import Material
from reports.page import cells
from reports.parts import Fit

ID, TITLE = "fits", "Fixed cost and rate"
TEMPLATE = """
<p class="note">t(n) = t0 + n/r∞: the fixed cost t0 of a call, the cost 1/r∞ of a row, and the batch n½ = t0·r∞ at which
half of the time is fixed cost (Hockney and Jesshope). Fitted to each launch's medians on relative residuals; intervals
are Student's t over launches, 95 % each.</p>
{% for panel in panels %}
{{ data_link(panel.id, panel.id) }}
{{ table(panel.id, panel.title, [("implementation", false), ("t0", true), ("interval", true), ("per row", true),
  ("interval of it", true), ("n½", true), ("does a line describe the data?", false)], panel.rows) }}
{% endfor %}
"""


def data(material: Material) -> dict[str, Any] | None:
    """One table per problem, pass, dtype and device; None without fits."""
    run = material.run
    panels: list[dict[str, Any]] = []
    for dtype, device in run.settings:
        fitted = [fit for fit in run.fits if (fit.dtype, fit.device) == (dtype, device)]
        for (pass_, problem), of in fits.panels(fitted).items():
            title = f"{problem} {pass_}, {dtype} on {device}"
            rows = [_row(fit, material.looks) for fit in of]
            panels.append({"id": f"fits-{len(panels) + 1}", "title": title, "rows": rows})
    return {"panels": panels} if panels else None


def _row(fit: Fit, looks: dict[str, style.Look]) -> list[cells.Cell]:
    half = units.count(float(f"{fit.half_batch:.2g}")) if math.isfinite(fit.half_batch) else "–"
    described = {True: "yes", False: "no", None: "–"}[fit.describes]
    return [
        cells.name(fit.implementation, looks),
        cells.time(fit.t0_ns),
        _interval(fit.t0_low_ns, fit.t0_high_ns),
        cells.time(fit.per_row_ns),
        _interval(fit.per_row_low_ns, fit.per_row_high_ns),
        cells.cell(half, fit.half_batch),
        cells.cell(f"{described}: {fit.statement}" if fit.describes is False else described),
    ]


def _interval(low: float, high: float) -> str:
    return f"{units.time(low)} to {units.time(high)}" if math.isfinite(low + high) else "–"
