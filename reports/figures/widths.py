"""Two panels for each family of networks: times against the width, and ratios to the fastest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from samegrad.benchmarks.results import units
from samegrad.reports import style
from samegrad.reports.figures import series
from samegrad.reports.figures.curves import ends, line_of, ticks
from samegrad.reports.figures.frame import label_lines
from samegrad.reports.figures.series import Lines
from samegrad.reports.ratios import compare
from samegrad.reports.style import Look
from samegrad.reports.widths import Series

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def draw(
    notes: list[str],
    heading: str,
    subheading: str,
    families: Sequence[Series],
    shown: set[str],
    looks: Mapping[str, Look],
) -> Figure:
    """Two panels for each series: its times, with a ring at twice the narrowest's, and its ratios."""
    return series.draw(
        (notes, heading, subheading), families, shown, looks, "width (units of each hidden layer)", (_times, _ratios)
    )


def _times(axes: Axes, one: Series, lines: Lines, looks: Mapping[str, Look]) -> None:
    widths = [float(width) for width in one.groups]
    medians = [case.median_ns for points in lines.values() for _, case in points]
    axes.set_title(one.where)
    axes.set(
        xscale="log",
        yscale="log",
        ylim=(min(medians) / 1.6, max(medians) * 1.6),
        xlim=ends(widths, True),
    )
    for name, points in lines.items():
        line_of(axes, [(width, case.median_ns, *case.spread_ns) for width, case in points], looks[name], 0)
        if takeover := one.measured.takeovers.get(name):
            ns = 2 * points[0][1].median_ns
            axes.scatter(takeover.ratio, ns, s=80, facecolors="none", edgecolors=looks[name].colour, zorder=3)
            if takeover.low and takeover.high and one.measured.resolves(takeover):
                axes.hlines(ns, takeover.low, takeover.high, color=looks[name].colour, linewidth=3, alpha=0.5)
    ticks(axes, widths, lambda ns: units.time(ns, 1), True, ())
    axes.set_ylabel("time per call")
    label_lines(axes, {name: (points[-1][0], points[-1][1].median_ns) for name, points in lines.items()}, looks)


def _ratios(axes: Axes, one: Series, lines: Lines, looks: Mapping[str, Look]) -> None:
    """Draw the ratios to the fastest that is a choice, at each width, with their intervals as bands."""
    widths = [float(width) for width in one.groups]
    ratios = {
        name: [compare(one.groups[width], case, one.groups[width].fastest) for width, case in points]
        for name, points in lines.items()
        if not points[0][1].is_floor
    }
    most = max(ratio.ratio for of in ratios.values() for ratio in of)
    axes.set_title("time over that of the fastest, floors aside")
    axes.set(xscale="log", yscale="log", ylim=(0.9, max(1.6, most * 1.6)), xlim=ends(widths, True))
    axes.axhline(1, color=style.MUTED, linewidth=0.8)
    for name, of in ratios.items():
        points = [
            (width, ratio.ratio, *(units.known(ratio.low, ratio.high) or (ratio.ratio, ratio.ratio)))
            for (width, _), ratio in zip(lines[name], of, strict=True)
        ]
        line_of(axes, points, looks[name], 0)
    if (start := one.measured.alike_from) is not None:
        axes.axvspan(start, ends(widths, True)[1], color=style.FAINT, alpha=0.6, linewidth=0, zorder=0)
    ticks(axes, widths, lambda ratio: f"{units.significant(ratio, 1)}×", True, ())
    label_lines(axes, {name: (lines[name][-1][0], of[-1].ratio) for name, of in ratios.items()}, looks)
