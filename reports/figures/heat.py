"""Tables of cells, darker for more: one row per implementation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from samegrad.reports import style
from samegrad.reports.figures.frame import name_rows
from samegrad.reports.style import Look

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ROW_IN = 0.25


@dataclass(frozen=True)
class Cell:
    """A text on its colour, at a place from the left and a row from the top."""

    x: float
    row: int
    said: str
    fill: str


def fill_of(share: float) -> str:
    """The colour of a share from 0, pale, to 1, full."""
    return style.tint(style.PALETTE[0], 0.06 + 0.94 * min(max(share, 0.0), 1.0))


def table_of_cells(
    axes: Axes, cells: Iterable[Cell], names: list[str], columns: Mapping[float, str], looks: Mapping[str, Look]
) -> None:
    """Draw the cells, the implementations at the left of their rows, and the columns' names below."""
    from matplotlib.collections import PatchCollection
    from matplotlib.patches import Rectangle

    cells = list(cells)
    boxes = [Rectangle((cell.x - 0.47, cell.row - 0.44), 0.94, 0.88) for cell in cells]
    axes.add_collection(PatchCollection(boxes, facecolors=[cell.fill for cell in cells], linewidths=0))
    for cell in cells:
        ink = max((style.contrast(colour, cell.fill), colour) for colour in (style.INK, style.BACKGROUND))[1]
        axes.text(cell.x, cell.row, cell.said, ha="center", va="center_baseline", color=ink, size=8)
    axes.set(xlim=(-0.5, max(columns) + 0.5), ylim=(len(names) - 0.5, -0.5))
    name_rows(axes, dict(enumerate(names)), looks)
    axes.set_xticks(list(columns), list(columns.values()))
    axes.grid(visible=False)
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)
