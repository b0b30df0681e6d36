"""The survey of `samegrad agree`: τ over problems, dtypes, scales of the parameters and seeds."""

from __future__ import annotations

import math
from typing import Any

from samegrad.benchmarks.results import units
from samegrad.impls.documents.agreement import AgreeRow
from samegrad.reports import style
from samegrad.reports.figures.agreement import said
from samegrad.reports.material import Material
from samegrad.reports.page import cells
from samegrad.reports.page.sections.agreement import tau_cell

ID, TITLE = "survey", "The same gradients at any scale"
TEMPLATE = """
<p>{{ verdict }}</p>
<p class="note">From samegrad agree, {{ date }}: the largest τ over {{ seeds }}, passes and tensors, by the scale of the
initial parameters. At scale 1 units work in their middle, at 10 many are saturated, at 100 nearly all.
{% for name, reason in left_out %} Left out: {{ name }} ({{ reason }}).{% endfor %}</p>
{{ data_link("survey-table", "agreement-by-scale") }}
{{ table("survey-table", "Largest τ by problem, dtype and scale", columns, rows, "tau", spans) }}
<details><summary>Numbers: every tensor ({{ every | length }})</summary>
{{ data_link("survey-all", "agreement-by-tensor") }}
{{ table("survey-all", "τ and error in units in the last place (ULP), the worst over the seeds", [
  ("implementation", false), ("problem", false), ("dtype", false), ("scale", true), ("pass", false), ("tensor", false),
  ("τ", true), ("median ULP", true), ("worst ULP", true)], every) }}
</details>
"""


def data(material: Material) -> dict[str, Any] | None:
    """None without a survey."""
    found = material.agreement
    if found is None or not found.taus:
        return None
    columns = list(dict.fromkeys((tau.problem, tau.dtype, tau.scale) for tau in found.taus))
    settings = [f"{problem}, {dtype}" for problem, dtype, _ in columns]
    worst: dict[str, dict[tuple[str, str, float], float]] = {}
    for tau in found.taus:
        of_one = worst.setdefault(tau.implementation, {})
        key = (tau.problem, tau.dtype, tau.scale)
        of_one[key] = max(tau.worst, of_one.get(key, 0.0))
    return {
        "verdict": _verdict(found.taus),
        "date": found.date[:16].replace("T", " "),
        "seeds": f"{(count := len(found.agree.settings.seeds))} seed{'' if count == 1 else 's'}",
        "left_out": list(found.left_out.items()),
        "columns": [
            ("implementation", False),
            *((f"×{scale:g}", True, f"{problem} {dtype} scale {scale:g}") for problem, dtype, scale in columns),
        ],
        "spans": [("", 1), *((setting, settings.count(setting)) for setting in dict.fromkeys(settings))],
        "rows": [
            [cells.name(name, material.looks), *(tau_cell(taus.get(key, math.nan)) for key in columns)]
            for name, taus in worst.items()
        ],
        "every": [_row(tau, material.looks) for tau in found.taus],
    }


def _verdict(taus: list[AgreeRow]) -> str:
    apart = [tau for tau in taus if tau.worst > 1]
    worst = max(taus, key=lambda tau: tau.worst)
    where = f"{worst.implementation}, {worst.tensor} of {worst.problem} {worst.pass_}, {worst.dtype}, ×{worst.scale:g}"
    if not apart:
        return f"All {len(taus)} agree; the largest τ is {said(worst.worst)} ({where})."
    names = ", ".join(dict.fromkeys(tau.implementation for tau in apart))
    return f"{len(apart)} of {len(taus)} disagree ({names}); the largest τ is {said(worst.worst)} ({where})."


def _row(tau: AgreeRow, looks: dict[str, style.Look]) -> list[cells.Cell]:
    return [
        cells.name(tau.implementation, looks),
        tau.problem,
        tau.dtype,
        cells.cell(f"{tau.scale:g}", tau.scale),
        tau.pass_,
        tau.tensor,
        cells.cell(said(tau.worst), tau.worst),
        cells.cell(units.significant(tau.error_ulp_median, 2), tau.error_ulp_median),
        cells.cell(units.significant(tau.error_ulp_worst, 2), tau.error_ulp_worst),
    ]
