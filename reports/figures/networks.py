"""Two panels for each series of numbers of networks: the time of one network, and its ratio to the floor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from samegrad.benchmarks.results import units
from samegrad.reports import style
from samegrad.reports.figures import series
from samegrad.reports.figures.curves import ends, line_of, ticks
from samegrad.reports.figures.frame import label_lines
from samegrad.reports.figures.series import Lines
from samegrad.reports.networks import NetworkSeries
from samegrad.reports.ratios import compare
from samegrad.reports.style import Look

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def draw(
    notes: list[str],
    heading: str,
    subheading: str,
    all_series: Sequence[NetworkSeries],
    shown: set[str],
    looks: Mapping[str, Look],
) -> Figure:
    """Two panels for each series: the time of a network, with a ring where the call stops deciding, and the ratios."""
    return series.draw((notes, heading, subheading), all_series, shown, looks, "networks at once", (_times, _ratios))


def _times(axes: Axes, one: NetworkSeries, lines: Lines, looks: Mapping[str, Look]) -> None:
    numbers = [float(number) for number in one.groups]
    each_ns = [case.median_ns / number for points in lines.values() for number, case in points]
    axes.set_title(one.where)
    axes.set(xscale="log", yscale="log", ylim=(min(each_ns) / 1.6, max(each_ns) * 1.6), xlim=ends(numbers, True))
    for name, points in lines.items():
        spreads = [(number, case, case.spread_ns) for number, case in points]
        line_of(axes, [(n, case.median_ns / n, low / n, high / n) for n, case, (low, high) in spreads], looks[name], 0)
        if takeover := one.result.takeovers.get(name):
            ns = 2 * points[0][1].median_ns / takeover.ratio
            axes.scatter(takeover.ratio, ns, s=80, facecolors="none", edgecolors=looks[name].colour, zorder=3)
    ticks(axes, numbers, lambda ns: units.time(ns, 1), True, ())
    axes.set_ylabel("time per network")
    last = {name: (number, case.median_ns / number) for name, points in lines.items() for number, case in points[-1:]}
    label_lines(axes, last, looks)


def _ratios(axes: Axes, one: NetworkSeries, lines: Lines, looks: Mapping[str, Look]) -> None:
    """Draw the ratios to the floor, or to the fastest where there is none, at each number, with intervals as bands."""
    numbers = [float(number) for number in one.groups]
    floor = one.result.floor
    base = {number: (group.case(floor) if floor else None) or group.fastest for number, group in one.groups.items()}
    ratios = {
        name: [(number, compare(one.groups[number], case, base[number])) for number, case in points]
        for name, points in lines.items()
        if name != floor
    }
    most = max((ratio.ratio for of in ratios.values() for _, ratio in of), default=1.0)
    least = min((ratio.ratio for of in ratios.values() for _, ratio in of), default=1.0)
    axes.set_title(f"time over that of {floor or 'the fastest'}")
    axes.set(xscale="log", yscale="log", ylim=(min(0.9, least / 1.2), max(1.6, most * 1.6)), xlim=ends(numbers, True))
    axes.axhline(1, color=style.MUTED, linewidth=0.8)
    for name, of in ratios.items():
        points = [(n, ratio.ratio, *(units.known(ratio.low, ratio.high) or (ratio.ratio,) * 2)) for n, ratio in of]
        line_of(axes, points, looks[name], 0)
    ticks(axes, numbers, lambda ratio: f"{units.significant(ratio, 1)}×", True, ())
    label_lines(axes, {name: (of[-1][0], of[-1][1].ratio) for name, of in ratios.items()}, looks)
