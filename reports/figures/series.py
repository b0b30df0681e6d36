"""Two panels for each series of groups that differ in a width or a number of networks: times, and ratios."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from samegrad.benchmarks.results import units
from samegrad.reports import style
from samegrad.reports.figures.curves import Point, ends, line_of, ticks
from samegrad.reports.figures.frame import CHARACTER_IN, GAP_IN, drawn, label_lines, sheet, short
from samegrad.reports.ratios import compare
from samegrad.reports.records import CaseTimes
from samegrad.reports.series import Series
from samegrad.reports.style import Look

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Lines = Mapping[str, Sequence[tuple[int, CaseTimes]]]
"""The (number, case) pairs of each implementation."""
AIR = 1.3
"""How many times beyond its outermost points an axis reaches."""


def draw(notes: list[str], heading: str, all_series: Sequence[Series], looks: Mapping[str, Look], x: str) -> Figure:
    """A row for each series, its times and its ratios, and its sentence below, above the notes. x: the axis' name."""
    shown, left_out = drawn([group for one in all_series for group in one.groups.values()])
    notes = [one.sentence for one in all_series] + notes
    least = all_series[0].result.ENDS[0]
    subheading = f"Medians with the 10th to the 90th percentile; a ring: twice the time of the {least}.{left_out}"
    label_in = CHARACTER_IN * max(len(short(name)) for name in shown) + 0.34
    height_in = max(2.0, len(shown) * GAP_IN)
    page = sheet(notes, heading, subheading, 2 * len(all_series), 2, height_in, 0.68, label_in)
    for one, left, right in zip(all_series, page.panels[::2], page.panels[1::2], strict=True):
        lines: dict[str, list[tuple[int, CaseTimes]]] = {}
        for number, group in one.groups.items():
            for case in (case for case in group.cases if case.implementation in shown):
                lines.setdefault(case.implementation, []).append((number, case))
        _times(left, one, lines, looks)
        _ratios(right, one, lines, looks)
    for axes in page.panels[-2:]:
        axes.set_xlabel(x)
    return page.figure


def _times(axes: Axes, one: Series, lines: Lines, looks: Mapping[str, Look]) -> None:
    """Draw the times, with a ring at twice the first, and its interval where that is resolved."""
    axes.set_title(one.where)
    axes.set_ylabel(f"time per {one.result.UNIT}")
    shared = one.result.networks
    points = {
        name: [
            (at, case.median_ns / shared(at), low / shared(at), high / shared(at))
            for at, case in line
            for low, high in [case.spread_ns]
        ]
        for name, line in lines.items()
    }
    _draw(axes, one, points, looks, lambda ns: units.time(ns, 1))
    for name, takeover in one.result.takeovers.items():
        if name in lines and takeover:
            twice_ns, colour = 2 * lines[name][0][1].median_ns / shared(takeover.ratio), looks[name].colour
            axes.scatter(takeover.ratio, twice_ns, s=80, facecolors="none", edgecolors=colour, zorder=3)
            if takeover.low and takeover.high and one.result.resolves(takeover):
                axes.hlines(twice_ns, takeover.low, takeover.high, color=colour, linewidth=3, alpha=0.5)


def _ratios(axes: Axes, one: Series, lines: Lines, looks: Mapping[str, Look]) -> None:
    """Draw the ratios at each number, with their intervals as bands, and the numbers where all are alike in grey."""
    axes.set_title(f"time over that of {one.to}")
    axes.axhline(1, color=style.MUTED, linewidth=0.8)
    points: dict[str, list[Point]] = {}
    for name in (name for name in lines if name not in one.aside):
        for number, case in lines[name]:
            ratio, *interval = compare(one.groups[number], case, one.base(number))
            points.setdefault(name, []).append((number, ratio, *(units.known(*interval) or (ratio, ratio))))
    _draw(axes, one, points, looks, lambda ratio: f"{units.significant(ratio, 1)}×")
    if one.result.alike_from is not None:
        axes.axvspan(one.result.alike_from, axes.get_xlim()[1], color=style.FAINT, alpha=0.6, linewidth=0, zorder=0)


def _draw(
    axes: Axes,
    one: Series,
    points: Mapping[str, Sequence[Point]],
    looks: Mapping[str, Look],
    y_format: Callable[[float], str],
) -> None:
    """Draw a line for each implementation, named at its end, on logarithmic axes."""
    numbers = [float(number) for number in one.groups]
    values = [value for line in points.values() for _, value, _, _ in line] or [1.0]
    axes.set(xscale="log", yscale="log", ylim=(min(values) / AIR, max(values) * AIR), xlim=ends(numbers, True))
    for name, line in points.items():
        line_of(axes, line, looks[name], 0)
    ticks(axes, numbers, y_format, True, ())
    label_lines(axes, {name: line[-1][:2] for name, line in points.items()}, looks)
