"""Every framework's optimizers beside the textbook's, fed the same gradients: as shipped, and aligned."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from samegrad.impls.documents.optimizers import OptimizerRow, Optimizers
from samegrad.reports import style
from samegrad.reports.figures.frame import CHARACTER_IN, MOST, sheet, short
from samegrad.reports.figures.heat import ROW_IN, Cell, fill_of, table_of_cells
from samegrad.reports.style import Look

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NAME = "optimizers"
TITLE = "Optimizers beside the textbook"
FAINTEST, DARKEST = 1e-16, 1.0


def rows(found: Optimizers) -> list[dict[str, Any]]:
    """The figure's numbers, one row per optimizer of each framework."""
    return [
        {
            "implementation": row.implementation,
            "optimizer": row.optimizer,
            "shipped": row.shipped,
            "unexplained": row.unexplained,
            "aligned": row.aligned,
            "allowed": row.allowed,
            "reasons": "; ".join(f"{reason.reason} ({reason.alone:.1e})" for reason in row.reasons),
        }
        for row in found.rows
    ]


def draw(found: Optimizers, looks: Mapping[str, Look]) -> Figure | None:
    """Two tables of cells, darker for farther; None without rows."""
    names, columns = found.implementations[:MOST], found.names
    if not names:
        return None
    name_in = CHARACTER_IN * max(len(short(name)) for name in names) + 0.2
    subheading = "How far any parameter gets from the textbook's at most. Aligned, only rounding is left; red is more."
    page = sheet([f"samegrad optimizers · {found.what}"], TITLE, subheading, 2, 1, len(names) * ROW_IN, name_in, 0.15)
    for axes, title, is_aligned in zip(page.panels, ("as shipped", "aligned"), (False, True), strict=True):
        axes.set_title(title)
        at = [
            Cell(
                columns.index(row.optimizer), names.index(row.implementation), said(value), fill(row, value, is_aligned)
            )
            for row in found.rows
            if row.implementation in names
            for value in [row.aligned if is_aligned else row.shipped]
        ]
        table_of_cells(axes, at, names, dict(enumerate(columns)), looks)
    return page.figure


def said(distance: float) -> str:
    """`3.3e-01`, or `0`."""
    return f"{distance:.1e}" if distance else "0"


def fill(row: OptimizerRow, distance: float, is_aligned: bool) -> str:
    """Darker for farther, on a logarithmic scale; red where an aligned optimizer is not the textbook's."""
    if is_aligned and not row.is_aligned:
        return style.ALARM
    if not distance > 0:
        return style.BACKGROUND
    return fill_of(0.6 * math.log10(distance / FAINTEST) / math.log10(DARKEST / FAINTEST))
