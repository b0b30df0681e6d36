"""Points with their intervals, one below the other on one axis."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from samegrad.reports import style
from samegrad.reports.figures.frame import CHARACTER_IN, beside, name_rows, sheet, short
from samegrad.reports.style import Look

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ROW_IN = 0.21
REACH = 3
"""Intervals on a logarithmic axis are drawn up to so many times beyond the outermost points; wider ones are cut."""
LEAST_IN = 1.2
"""The least width of the axis in inches, whatever the texts at its sides need."""


@dataclass(frozen=True)
class Mark:
    """A row: its name, its value with the ends of the interval (NaN where there is none), and the text beside it.

    With `is_ring` the point is open. `gap`: how many rows are left empty above.
    """

    name: str
    look: Look
    value: float
    low: float
    high: float
    text: str
    is_ring: bool = False
    gap: float = 0.0


@dataclass(frozen=True)
class PointPanel:
    """Rows over one axis, which is named `x`; `line` is (value, text) of a line across all rows."""

    title: str
    marks: Sequence[Mark]
    x: str
    line: tuple[float, str, Look] | None = None


def draw(
    notes: list[str],
    heading: str,
    subheading: str,
    panels: Sequence[PointPanel],
    x_format: Callable[[float], str],
    columns: int = 1,
    is_log: bool = True,
    most_characters: int = 26,
) -> Figure:
    """Panels of points; values that are not positive stay blank on a logarithmic axis."""
    rows = max(sum(1 + mark.gap for mark in panel.marks) for panel in panels)
    marks = [mark for panel in panels for mark in panel.marks]
    name_in = CHARACTER_IN * max(len(short(mark.name, most_characters)) for mark in marks) + 0.2
    text_in = 0.066 * max(len(mark.text) for mark in marks) + 0.15
    text_in = min(text_in, style.WIDTH_IN / columns - name_in - LEAST_IN)
    page = sheet(
        notes, heading, subheading, len(panels), columns, ROW_IN * (rows + 0.4), name_in, text_in, every_axis=True
    )
    for axes, panel in zip(page.panels, panels, strict=True):
        axes.set_title(panel.title)
        _panel(axes, panel, is_log, most_characters)
        _ticks(axes, x_format, is_log, most=4 if columns == 1 else 2)
        axes.set_xlabel(panel.x)
    return page.figure


def _panel(axes: Axes, panel: PointPanel, is_log: bool, most_characters: int) -> None:
    places, place = list[float](), -1.0
    for mark in panel.marks:
        place += 1 + mark.gap
        places.append(place)
    limits = (-math.inf, math.inf)
    if is_log:
        axes.set_xscale("log")
        known = [mark.value for mark in panel.marks if mark.value > 0] + ([panel.line[0]] if panel.line else [])
        limits = min(known, default=1.0) / REACH, max(known, default=1.0) * REACH
    if panel.line:
        value, text, look = panel.line
        axes.axvline(value, color=look.colour, linewidth=1.2, linestyle=(0, look.dashes) if look.dashes else "-")
        axes.text(value, -0.75, f" {text}", size=8)
    for at, mark in zip(places, panel.marks, strict=True):
        if not (mark.value > 0 or not is_log):
            continue
        high = min(mark.high, limits[1]) if math.isfinite(mark.low + mark.high) else mark.value
        if high > mark.value:
            axes.hlines(at, max(mark.low, limits[0]), high, color=mark.look.colour, linewidth=1.8, alpha=0.5)
        inside = style.BACKGROUND if mark.is_ring else mark.look.colour
        axes.scatter(mark.value, at, s=26, c=inside, edgecolors=mark.look.colour, linewidths=1, zorder=2)
        beside(axes, high, at, mark.text, 6)
    names = {at: (mark.name, mark.look) for at, mark in zip(places, panel.marks, strict=True)}
    name_rows(axes, names, most_characters)
    axes.set_ylim(place + 0.6, -1.1 if panel.line else -0.6)


def _ticks(axes: Axes, x_format: Callable[[float], str], is_log: bool, most: int) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

    if is_log:
        low, high = axes.get_xlim()
        by_factors = LogLocator(subs=(1.0,) if high / low > 30 else (1.0, 2.0, 5.0))
        axes.xaxis.set_major_locator(MaxNLocator(most) if high / low < 2 else by_factors)
        axes.xaxis.set_minor_formatter(NullFormatter())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: x_format(value)))
    axes.tick_params(axis="x", which="minor", length=0)
