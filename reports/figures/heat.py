"""Tables of numbers by implementation, darker for more: as a figure, and as a table of the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from samegrad.reports import cells, style
from samegrad.reports.figures.frame import CHARACTER_IN, MOST, name_rows, sheet, short
from samegrad.reports.part import Columns, Table, each, table
from samegrad.reports.style import Look

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ROW_IN = 0.25


@dataclass(frozen=True)
class Value:
    """A number and its text; `share` is how dark its cell is, from 0 to 1, and None where it is an alarm."""

    value: float
    text: str
    share: float | None


@dataclass(frozen=True)
class Grid:
    """Values by implementation and by column, (shared heading, heading)."""

    title: str
    values: Mapping[str, Mapping[tuple[str, str], Value]]

    @property
    def columns(self) -> list[tuple[str, str]]:
        """Every column that some implementation has."""
        return list(dict.fromkeys(key for row in self.values.values() for key in row))


def as_table(name: str, caption: str, grid: Grid, looks: Mapping[str, Look], folded: str = "") -> Table:
    """The numbers as a table of the page."""

    def cell(key: tuple[str, str], row: str) -> cells.Cell:
        value = grid.values[row].get(key)
        return "–" if value is None else cells.judged(value.text, False if value.share is None else None, value.value)

    columns: Columns = {"implementation": lambda row: cells.name(row, looks), **each(grid.columns, cell)}
    return table(name, caption, grid.values, columns, folded)


def draw(notes: list[str], heading: str, subheading: str, grids: Sequence[Grid], looks: Mapping[str, Look]) -> Figure:
    """One table of cells below the other, of the first implementations."""
    names = [name for grid in grids for name in list(grid.values)[:MOST]]
    most = min(MOST, max(len(grid.values) for grid in grids))
    if any(len(grid.values) > MOST for grid in grids):
        subheading += f" The first {MOST}; all are in the data."
    left_in = CHARACTER_IN * max(len(short(name)) for name in names) + 0.2
    page = sheet(notes, heading, subheading, len(grids), 1, most * ROW_IN, left_in, 0.15)
    for axes, grid in zip(page.panels, grids, strict=True):
        axes.set_title(grid.title, loc="left", x=-left_in / (style.WIDTH_IN - left_in - 0.15) + 0.012, pad=12)
        _cells(axes, grid, looks)
    return page.figure


def _cells(axes: Axes, grid: Grid, looks: Mapping[str, Look]) -> None:
    from matplotlib.collections import PatchCollection
    from matplotlib.colors import to_rgba
    from matplotlib.patches import Rectangle

    columns = grid.columns
    changes = [one[0] != other[0] for one, other in zip(columns[1:], columns, strict=False)]
    places = {key: place + 0.25 * sum(changes[:place]) for place, key in enumerate(columns)}
    rows = list(grid.values)[:MOST]
    placed = [(places[key], row, value) for row, name in enumerate(rows) for key, value in grid.values[name].items()]
    boxes = [Rectangle((x - 0.47, row - 0.44), 0.94, 0.88) for x, row, _ in placed]
    axes.add_collection(
        PatchCollection(boxes, facecolors=[to_rgba(*_fill(value)) for *_, value in placed], linewidths=0)
    )
    for x, row, value in placed:
        ink, weight = (style.INK, "normal") if value.share is not None else (style.ALARM, "bold")
        axes.text(x, row, value.text, ha="center", va="center_baseline", size=8, color=ink, weight=weight)
    for group in dict.fromkeys(group for group, _ in columns):
        middle = [place for (owner, _), place in places.items() if owner == group]
        axes.text(sum(middle) / len(middle), -0.62, group, ha="center", va="bottom", color=style.MUTED)
    axes.set(xlim=(-0.5, max(places.values()) + 0.5), ylim=(len(rows) - 0.5, -0.5))
    name_rows(axes, {place: (name, looks[name]) for place, name in enumerate(rows)})
    axes.set_xticks(list(places.values()), [heading for _, heading in columns])
    axes.grid(visible=False)
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)


def _fill(value: Value) -> tuple[str, float]:
    """Colour and opacity: pale enough for dark text on the whole."""
    return (
        (style.ALARM, 0.15) if value.share is None else (style.PALETTE[0], 0.04 + 0.5 * min(max(value.share, 0.0), 1.0))
    )
