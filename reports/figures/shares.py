"""Panels of a study, one for each law and network: shares over the learning rate, over epochs, and stacked by why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from samegrad.benchmarks.results import units
from samegrad.reports.figures.frame import Sheet, sheet
from samegrad.reports.style import BACKGROUND, MUTED, WIDTH_IN, Look

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Point = tuple[float, float, float, float]
"""x, the share, and the ends of its interval."""


@dataclass(frozen=True)
class SharePanel:
    """A panel of lines by name."""

    title: str
    lines: Mapping[str, Sequence[Point]]


@dataclass(frozen=True)
class StackPanel:
    """A panel of bars: (group, name of the bar, share by kind)."""

    title: str
    bars: Sequence[tuple[str, str, Mapping[str, float]]]


def draw_lines(
    texts: tuple[list[str], str, str], panels: Sequence[SharePanel], looks: Mapping[str, Look], x: str, is_rate: bool
) -> Figure:
    """A figure of per cent over x: points on a logarithmic axis for rates, else steps. `texts` as for `sheet`."""
    page = sheet(*texts, len(panels), _columns(panels), 1.5, 0.55, 0.2)
    for axes, panel in zip(page.panels, panels, strict=True):
        for name, line in panel.lines.items():
            _line(axes, line, looks[name], is_rate)
        axes.set(ylim=(-3, 103))
        if is_rate:
            _rates(axes, sorted({point[0] for line in panel.lines.values() for point in line}))
        else:
            axes.xaxis.set_major_formatter(lambda epoch, _: units.count(epoch))
    _finish(page, panels, {name: looks[name].colour for name in panels[0].lines}, x, "% that learn")
    return page.figure


def _line(axes: Axes, line: Sequence[Point], look: Look, is_rate: bool) -> None:
    xs, *shares = zip(*line, strict=True)
    share, low, high = ([100 * value for value in values] for values in shares)
    if is_rate:
        axes.vlines(xs, low, high, color=look.colour, linewidth=1.6, alpha=0.5)
        axes.plot(xs, share, color=look.colour, marker=look.marker, markersize=3.6, linewidth=1.2)
    else:
        axes.fill_between(xs, low, high, step="post", color=look.colour, alpha=0.25, linewidth=0)
        axes.step(xs, share, where="post", color=look.colour, linewidth=1.5)


def _rates(axes: Axes, rates: Sequence[float]) -> None:
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

    axes.set_xscale("log")
    axes.xaxis.set_major_locator(FixedLocator(rates))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda rate, _: f"{rate:g}"))


def draw_stacks(
    texts: tuple[list[str], str, str], panels: Sequence[StackPanel], colours: Mapping[str, str], x: str
) -> Figure:
    """Bars of the shares of all kinds, in groups side by side."""
    page = sheet(*texts, len(panels), _columns(panels), 1.5, 0.55, 0.2, every_axis=True)
    for axes, panel in zip(page.panels, panels, strict=True):
        groups = list(dict.fromkeys(group for group, _, _ in panel.bars))
        places = [place + groups.index(group) for place, (group, _, _) in enumerate(panel.bars)]
        bottom = [0.0] * len(places)
        for kind, colour in colours.items():
            heights = [100 * shares.get(kind, 0.0) for _, _, shares in panel.bars]
            axes.bar(places, heights, 0.9, bottom, color=colour, edgecolor=BACKGROUND, linewidth=0.3)
            bottom = [low + height for low, height in zip(bottom, heights, strict=True)]
        for group in groups:
            own = [place for place, bar in zip(places, panel.bars, strict=True) if bar[0] == group]
            middle = (own[0] + own[-1]) / 2
            axes.text(middle, -0.21, group, transform=axes.get_xaxis_transform(), ha="center", va="top", color=MUTED)
        axes.set_xticks(places, [name for _, name, _ in panel.bars], rotation=90, size=6.5)
        axes.tick_params(axis="x", length=0, pad=1)
        axes.set(ylim=(0, 100), xlim=(-0.8, places[-1] + 0.8))
        axes.grid(visible=False, axis="x")
    shown = {kind for panel in panels for _, _, shares in panel.bars for kind in shares}
    used = {kind: colour for kind, colour in colours.items() if kind in shown}
    _finish(page, panels, used, x, "% of starts")
    return page.figure


def _columns(panels: Sequence[object]) -> int:
    return min(len(panels), 3 if len(panels) % 3 == 0 else 2)


def _finish(
    page: Sheet,
    panels: Sequence[SharePanel | StackPanel],
    colours: Mapping[str, str],
    x: str,
    y: str,
) -> None:
    """Titles, names of the axes at the edges, and the legend at the top right."""
    from matplotlib.patches import Patch

    columns = _columns(panels)
    for number, (axes, panel) in enumerate(zip(page.panels, panels, strict=True)):
        axes.set_title(panel.title)
        if number % columns == 0:
            axes.set_ylabel(y)
        if number >= len(panels) - columns:
            axes.set_xlabel(x)
    patches = [Patch(color=colour, label=name) for name, colour in colours.items()]
    height_in = page.figure.get_size_inches()[1]
    page.figure.legend(
        handles=patches,
        ncols=len(patches),
        loc="upper right",
        bbox_to_anchor=(1 - 0.1 / WIDTH_IN, 1 - 0.06 / height_in),
        frameon=False,
        handlelength=0.8,
        columnspacing=1.0,
        fontsize=8,
    )
