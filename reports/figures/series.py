"""Two panels for each series of groups that differ in a width or a number of networks: times, and ratios."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from samegrad.benchmarks.results import units
from samegrad.benchmarks.results.widths import Widths
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

Lines = Mapping[str, list[tuple[int, CaseTimes]]]
"""The (number, case) pairs of each implementation."""
NOTE = 150
"""The most characters in a line of the answer below the panels."""


def draw(
    notes: list[str], heading: str, least: str, all_series: Sequence[Series], looks: Mapping[str, Look], x: str
) -> Figure:
    """A row for each series, its times and its ratios, and its sentence below, above the notes.

    least: the least number in words; a ring is where the time is twice that of it. x: the name of the numbers.
    """
    shown, left_out = drawn([group for one in all_series for group in one.groups.values()])
    notes = [line for one in all_series for line in textwrap.wrap(one.sentence, NOTE)] + notes
    subheading = f"Medians with the 10th to the 90th percentile; a ring: twice the time of the {least}.{left_out}"
    label_in = CHARACTER_IN * max(len(short(name)) for name in shown) + 0.34
    height_in = max(2.0, len(shown) * GAP_IN)
    page = sheet(notes, heading, subheading, 2 * len(all_series), 2, height_in, 0.68, label_in)
    for one, left, right in zip(all_series, page.panels[::2], page.panels[1::2], strict=True):
        lines = _lines(one, shown)
        _times(left, one, lines, looks)
        _ratios(right, one, lines, looks)
    for axes in page.panels[-2:]:
        axes.set_xlabel(x)
    return page.figure


def _lines(one: Series, shown: set[str]) -> Lines:
    lines: dict[str, list[tuple[int, CaseTimes]]] = {}
    for number, group in one.groups.items():
        for case in group.cases:
            if case.implementation in shown:
                lines.setdefault(case.implementation, []).append((number, case))
    return lines


def _times(axes: Axes, one: Series, lines: Lines, looks: Mapping[str, Look]) -> None:
    """Draw the times, with a ring at twice the first; over widths also its interval, where that is resolved."""
    points: dict[str, list[Point]] = {}
    for name, line in lines.items():
        for number, case in line:
            low_ns, high_ns = case.spread_ns
            shared = one.networks(number)
            points.setdefault(name, []).append((number, case.median_ns / shared, low_ns / shared, high_ns / shared))
    medians_ns = [median_ns for line in points.values() for _, median_ns, _, _ in line]
    axes.set_title(one.where)
    axes.set_ylabel(f"time per {'call' if isinstance(one.result, Widths) else 'network'}")
    _draw(axes, one, points, looks, (min(medians_ns) / 1.6, max(medians_ns) * 1.6), lambda ns: units.time(ns, 1))
    for name, takeover in one.result.takeovers.items():
        if name in lines and takeover:
            twice_ns, colour = 2 * lines[name][0][1].median_ns / one.networks(takeover.ratio), looks[name].colour
            axes.scatter(takeover.ratio, twice_ns, s=80, facecolors="none", edgecolors=colour, zorder=3)
            if isinstance(one.result, Widths) and takeover.low and takeover.high and one.result.resolves(takeover):
                axes.hlines(twice_ns, takeover.low, takeover.high, color=colour, linewidth=3, alpha=0.5)


def _ratios(axes: Axes, one: Series, lines: Lines, looks: Mapping[str, Look]) -> None:
    """Draw the ratios at each number, with their intervals as bands, and the numbers where all are alike in grey."""
    points: dict[str, list[Point]] = {}
    for name, line in lines.items():
        for number, case in line if name not in one.floors else ():
            ratio = compare(one.groups[number], case, one.base(number))
            interval = units.known(ratio.low, ratio.high) or (ratio.ratio, ratio.ratio)
            points.setdefault(name, []).append((number, ratio.ratio, *interval))
    ratios = [ratio for line in points.values() for _, ratio, _, _ in line] or [1.0]
    axes.set_title(f"time over that of {one.to}")
    axes.axhline(1, color=style.MUTED, linewidth=0.8)
    limits = 0.9 * min(1.0, *ratios), max(1.6, max(ratios) * 1.6)
    _draw(axes, one, points, looks, limits, lambda ratio: f"{units.significant(ratio, 1)}×")
    if isinstance(one.result, Widths) and one.result.alike_from is not None:
        axes.axvspan(one.result.alike_from, axes.get_xlim()[1], color=style.FAINT, alpha=0.6, linewidth=0, zorder=0)


def _draw(
    axes: Axes,
    one: Series,
    points: Mapping[str, list[Point]],
    looks: Mapping[str, Look],
    limits: tuple[float, float],
    y_format: Callable[[float], str],
) -> None:
    """Draw a line for each implementation, named at its end, on logarithmic axes with these vertical limits."""
    numbers = [float(number) for number in one.groups]
    axes.set(xscale="log", yscale="log", ylim=limits, xlim=ends(numbers, True))
    for name, line in points.items():
        line_of(axes, line, looks[name], 0)
    ticks(axes, numbers, y_format, True, ())
    label_lines(axes, {name: line[-1][:2] for name, line in points.items()}, looks)
