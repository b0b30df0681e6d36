"""Bars, one for each implementation, each made of its parts from dark to light."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from samegrad.reports.figures.frame import CHARACTER_IN, beside, name_rows, sheet, short
from samegrad.reports.style import WIDTH_IN, Look

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BAR_IN = 0.23
SHADES = (1.0, 0.62, 0.36, 0.2)
"""How much of its colour each part of a bar has, from the first to the last."""


@dataclass(frozen=True)
class Bar:
    """A bar with the lengths of its parts, and the text beside it: what is in bold comes last."""

    name: str
    look: Look
    parts: Sequence[float]
    text: str
    bold: str = ""


def draw(
    notes: list[str],
    heading: str,
    subheading: str,
    panels: Sequence[tuple[str, Sequence[Bar]]],
    x: str,
    x_format: Callable[[float], str],
    columns: int = 1,
) -> Figure:
    """Panels of bars, each with its title and its own axis."""
    bars = [bar for _, of in panels for bar in of]
    most = max(len(of) for _, of in panels)
    name_in = CHARACTER_IN * max(len(short(bar.name)) for bar in bars) + 0.2
    text_in = 0.066 * max(len(bar.text) + len(bar.bold) for bar in bars) + 0.2
    text_in = min(text_in, WIDTH_IN / columns - name_in - 1.0)
    page = sheet(notes, heading, subheading, len(panels), columns, most * BAR_IN + 0.1, name_in, text_in, True)
    for axes, (title, of) in zip(page.panels, panels, strict=True):
        axes.set_title(title)
        _bars(axes, of, most, x_format)
        axes.set_xlabel(x)
    return page.figure


POINTS_PER_CHARACTER = 5.0


def _bars(axes: Axes, bars: Sequence[Bar], most: int, x_format: Callable[[float], str]) -> None:
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    for place, bar in enumerate(bars):
        left = 0.0
        for length, shade in zip(bar.parts, SHADES, strict=False):
            axes.barh(place, length, left=left, height=0.68, color=bar.look.colour, alpha=shade, linewidth=0)
            left += length
        beside(axes, left, place, bar.text)
        if bar.bold:
            after = 11 + POINTS_PER_CHARACTER * len(bar.text)
            beside(axes, left, place, bar.bold, after, color=bar.look.ink, weight="bold", size=8.5)
    name_rows(axes, {place: (bar.name, bar.look) for place, bar in enumerate(bars)})
    longest = max(sum(bar.parts) for bar in bars)
    axes.set(xlim=(0, longest), ylim=(most - 0.4, -0.6))
    axes.set_xticks([tick for tick in MaxNLocator(4).tick_values(0, longest) if tick <= longest])
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: x_format(value)))
    axes.spines["bottom"].set_visible(False)
