"""Every framework's optimizers beside the textbook's: where they part as shipped and why, and whether they align."""

from __future__ import annotations

from typing import Any

from samegrad.impls.documents.optimizers import OptimizerRow, Optimizers
from samegrad.reports.figures.optimizers import said
from samegrad.reports.material import Material
from samegrad.reports.page import cells

ID, TITLE = "optimizers", "The same optimizers"
TEMPLATE = """
<p>{{ verdict }}</p>
<p class="note">From samegrad optimizers: {{ what }}. Distances are the farthest that any parameter gets from the
textbook's at any step. As shipped: the same learning rate, halved half way, and else each framework's own defaults;
each reason is put into the textbook alone, and “unexplained” is what remains with all of them.</p>
{{ data_link("optimizers-apart", "optimizers-apart") }}
{{ table("optimizers-apart", "As shipped: those that are another function than the textbook's", shipped_columns,
  apart) }}
<details><summary>Numbers: every optimizer as shipped ({{ shipped | length }})</summary>
{{ data_link("optimizers-shipped", "optimizers-as-shipped") }}
{{ table("optimizers-shipped", "As shipped", shipped_columns, shipped) }}
</details>
{{ data_link("optimizers-aligned", "optimizers-aligned") }}
{{ table("optimizers-aligned", "Aligned: configured or subclassed to be the textbook's function", columns, aligned) }}
{% for name, reason in left_out %}
<p class="note">Left out: {{ name }}: {{ reason }}</p>
{% endfor %}
"""


SHIPPED = [("optimizer", False), ("implementation", False), ("parts by", True)]
SHIPPED += [("because (each alone)", False), ("unexplained", True)]


def data(material: Material) -> dict[str, Any] | None:
    """None where no optimizer was followed."""
    found = material.optimizers
    if found is None or not found.rows:
        return None
    by_name = [row for name in found.names for row in found.rows if row.optimizer == name]
    names = found.implementations
    return {
        "verdict": _verdict(found),
        "what": found.what,
        "shipped_columns": SHIPPED,
        "apart": [_shipped(row, material) for row in by_name if row.shipped > row.allowed],
        "shipped": [_shipped(row, material) for row in by_name],
        "columns": [("optimizer", False), *((name, True) for name in names), ("allowed", True)],
        "aligned": [_aligned(found, name) for name in found.names],
        "left_out": list((found.left_out | found.failed).items()),
    }


def _verdict(found: Optimizers) -> str:
    astray = [f"{row.optimizer} of {row.implementation}" for row in found.rows if not row.is_aligned]
    apart = [row for row in found.rows if row.shipped > row.allowed]
    shipped = f"As shipped, {len(apart)} of {len(found.rows)} are another function than the textbook's"
    if astray:
        return f"{shipped}; aligned, {', '.join(astray)} still {'is' if len(astray) == 1 else 'are'}."
    return f"{shipped}; aligned, all are the textbook's, to the last digits."


def _shipped(row: OptimizerRow, material: Material) -> list[cells.Cell]:
    because = "; ".join(f"{reason.reason} ({reason.alone:.1e})" for reason in row.reasons)
    return [
        row.optimizer,
        cells.name(row.implementation, material.looks),
        cells.cell(said(row.shipped), row.shipped),
        because or "–",
        cells.cell(said(row.unexplained), row.unexplained),
    ]


def _aligned(found: Optimizers, name: str) -> list[cells.Cell]:
    here = {row.implementation: row for row in found.rows if row.optimizer == name}
    told: list[cells.Cell] = [name]
    for implementation in found.implementations:
        row = here.get(implementation)
        alarm = "slower" if row and not row.is_aligned else ""
        told.append(cells.cell(said(row.aligned), row.aligned, css=alarm) if row else "–")
    allowed = max(row.allowed for row in here.values())
    return [*told, cells.cell(said(allowed), allowed)]
