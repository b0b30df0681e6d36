"""Lines over a numbered axis: one panel for each case, one line for each implementation, named at its right end."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from samegrad.benchmarks.results import units
from samegrad.reports.figures.frame import CHARACTER_IN, GAP_IN, label_lines, sheet, short
from samegrad.reports.style import MUTED, Look

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Point = tuple[float, float, float, float]
"""x, the value, and the lower and the upper end of its spread (the value itself where there is none)."""


@dataclass(frozen=True)
class CurvePanel:
    """A panel; `band` is (x, low, high), drawn in grey behind the lines."""

    title: str
    y: str
    lines: Mapping[str, Sequence[Point]]
    band: Sequence[tuple[float, float, float]] = ()


def draw(
    notes: list[str],
    heading: str,
    subheading: str,
    panels: Sequence[CurvePanel],
    looks: Mapping[str, Look],
    x: str,
    y_format: Callable[[float], str],
    is_log: bool = True,
    is_shared: bool = False,
    x_names: Sequence[str] = (),
) -> Figure:
    """Lines on a logarithmic vertical axis; a value of 0 is at its bottom edge.

    x: the name of the horizontal axis, which is logarithmic with `is_log`. `is_shared`: all panels have the same
    vertical axis. x_names: names for x = 0, 1, 2, …
    """
    columns = min(2, len(panels))
    most = max(len(panel.lines) for panel in panels)
    label_in = CHARACTER_IN * max(len(short(name)) for panel in panels for name in panel.lines) + 0.34
    page = sheet(notes, heading, subheading, len(panels), columns, max(1.9, most * GAP_IN), 0.72, label_in)
    limits = [_limits([panel]) for panel in panels] if not is_shared else [_limits(panels)] * len(panels)
    for number, (axes, panel, (bottom, top)) in enumerate(zip(page.panels, panels, limits, strict=True)):
        axes.set_title(panel.title)
        xs = sorted({point[0] for line in panel.lines.values() for point in line})
        axes.set(xscale="log" if is_log else "linear", yscale="log", ylim=(bottom, top), xlim=ends(xs, is_log))
        if panel.band:
            at, low, high = zip(*panel.band, strict=True)
            axes.fill_between(
                at, [max(v, bottom) for v in low], [max(v, bottom) for v in high], color=MUTED, alpha=0.22, lw=0
            )
        for name, line in panel.lines.items():
            line_of(axes, line, looks[name], bottom)
        ticks(axes, xs, y_format, is_log, x_names)
        label_lines(axes, {name: (line[-1][0], max(line[-1][1], bottom)) for name, line in panel.lines.items()}, looks)
        if number >= len(panels) - columns:
            axes.set_xlabel(x)
        if number % columns == 0 or panel.y != panels[number - 1].y:
            axes.set_ylabel(panel.y)
    return page.figure


def _limits(panels: Sequence[CurvePanel]) -> tuple[float, float]:
    """The ends of the vertical axis: all values with a margin, and room below where some value is 0."""
    values = [value for panel in panels for line in panel.lines.values() for point in line for value in point[1:]]
    values += [value for panel in panels for _, *ends in panel.band for value in ends]
    positive = [value for value in values if value > 0]
    below = 1.4 if len(positive) == len(values) else 4
    return min(positive, default=1e-16) / below, max(positive, default=1.0) * 1.5


def ends(xs: list[float], is_log: bool) -> tuple[float, float]:
    """The ends of the horizontal axis, with a margin on both sides; a single value is in the middle."""
    if is_log:
        air = (xs[-1] / xs[0]) ** 0.04 if len(xs) > 1 else 3.0
        return xs[0] / air, xs[-1] * air
    air = 0.04 * (xs[-1] - xs[0]) or 1.0
    return xs[0] - air, xs[-1] + air


FEW = 30
"""Lines of at most this many points have a marker and a bar at each."""


def line_of(axes: Axes, line: Sequence[Point], look: Look, bottom: float) -> None:
    """Draw a line with its spread as a band; values below `bottom`, as 0 is on a logarithmic axis, are drawn there."""
    xs, values, lows, highs = ([max(value, bottom) if place else value for value in column]
                               for place, column in enumerate(zip(*line, strict=True)))  # fmt: skip
    marks: dict[str, Any] = {"marker": look.marker, "markersize": 3.6} if len(xs) <= FEW else {}
    if (lows, highs) != (values, values):
        axes.fill_between(xs, lows, highs, color=look.colour, alpha=0.2, linewidth=0)
        axes.vlines(xs, lows, highs, color=look.colour, linewidth=1, alpha=0.6)
    axes.plot(xs, values, color=look.colour, linestyle=(0, look.dashes) if look.dashes else "-", linewidth=1.5, **marks)


def ticks(axes: Axes, xs: list[float], y_format: Callable[[float], str], is_log: bool, x_names: Sequence[str]) -> None:
    """Below, the measured values, as far apart as their numbers need; at the left, powers of ten or parts of them."""
    from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, MaxNLocator, NullFormatter, NullLocator

    if is_log or x_names:
        axes.xaxis.set_major_locator(FixedLocator(_apart(xs) if is_log else xs))
        axes.xaxis.set_minor_locator(NullLocator())
    else:
        axes.xaxis.set_major_locator(MaxNLocator(4, integer=True))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda at, _: x_names[int(at)] if x_names else units.count(at)))
    low, high = axes.get_ylim()
    every = (1.0,) if high / low > 30 else (1.0, 2.0, 5.0)
    axes.yaxis.set_major_locator(LogLocator(subs=every, numticks=8))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: y_format(value)))
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.tick_params(which="minor", length=0)
    axes.tick_params(which="major", length=3)


def _apart(xs: list[float]) -> list[float]:
    """The first, the last, and those between that are a fifth of the axis apart, so that none collide."""
    least = 0.999 * (xs[-1] / xs[0]) ** (1 / 5)
    kept = xs[:1]
    for x in xs[1:-1]:
        if x / kept[-1] >= least and xs[-1] / x >= least:
            kept.append(x)
    return kept + xs[1:][-1:]
