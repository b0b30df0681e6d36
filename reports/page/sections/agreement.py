"""Agreement: the largest part of the error bound that each implementation uses, by pass and tensor."""

from __future__ import annotations

import math
from typing import Any

from samegrad.reports import style
from samegrad.reports.figures import agreement
from samegrad.reports.material import Material
from samegrad.reports.page import cells
from samegrad.reports.records import Group

ID, TITLE = "agreement", "The same gradients"
TEMPLATE = """
<p>{{ verdict }}</p>
<p class="note">τ = |difference from the reference| / error bound, the largest over all batches and elements. The bound
is derived from the arithmetic, not chosen; at most 1 is agreement, and no time is recorded without it.</p>
{% for panel in tables %}
{{ data_link(panel.id, panel.id) }}
{{ table(panel.id, panel.title, panel.columns, panel.rows, "tau", panel.spans) }}
{% endfor %}
"""


def data(material: Material) -> dict[str, Any] | None:
    """The run's τ, one table per problem, dtype and device; None where none was recorded."""
    run = material.run
    looks = material.looks
    tables: list[dict[str, Any]] = []
    for dtype, device in run.settings:
        groups = run.select(dtype, device)
        for problem in dict.fromkeys(group.problem for group in groups):
            found = agreement.worst(groups, problem, looks)
            if found:
                title = f"{problem}, {dtype} on {device}: largest τ"
                tables.append({"id": f"agreement-{len(tables) + 1}", "title": title, **_table(found, looks)})
    return {"tables": tables, "verdict": _verdict(list(run.groups))} if tables else None


def _table(found: dict[str, dict[tuple[str, str], float]], looks: dict[str, style.Look]) -> dict[str, Any]:
    columns = list(dict.fromkeys(key for taus in found.values() for key in taus))
    passes = [pass_ for pass_, _ in columns]
    return {
        "columns": [("implementation", False), *((tensor, True, f"{pass_} {tensor}") for pass_, tensor in columns)],
        "spans": [("", 1), *((pass_, passes.count(pass_)) for pass_ in dict.fromkeys(passes))],
        "rows": [
            [cells.name(name, looks), *(tau_cell(taus.get(key, math.nan)) for key in columns)]
            for name, taus in found.items()
        ],
    }


def tau_cell(tau: float) -> cells.Cell:
    """A cell that is darker for more of the bound, and alarming beyond it."""
    return cells.cell(agreement.said(tau), tau, css="tau over" if tau > 1 else f"tau d{_depth(tau)}")


def _depth(tau: float) -> int:
    """How dark the cell is, from 0 (a thousandth of the bound, or unknown) to 10 (all of it)."""
    if not tau > 0:
        return 0
    return max(0, min(10, round(10 * (1 - math.log10(tau) / math.log10(agreement.FAINTEST)))))


def _verdict(groups: list[Group]) -> str:
    """How large the largest τ is, and where."""
    rows = [row for row in agreement.rows(groups) if not math.isnan(row["tau"])]
    if not rows:
        return "No agreement was recorded."
    worst = max(rows, key=lambda row: row["tau"])
    said = (
        f"the largest τ is {agreement.said(worst['tau'])}: {worst['implementation']}, {worst['tensor']} of "
        f"{worst['problem']} {worst['pass']}, batch {worst['batch']:,}, {worst['dtype']}"
    )
    return f"All results agree with the reference; {said}." if worst["tau"] <= 1 else f"Not all results agree: {said}."
