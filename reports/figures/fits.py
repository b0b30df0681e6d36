"""Fixed cost and rate: the two numbers of t(n) = t0 + n/r∞ (Hockney and Jesshope), with their intervals."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from samegrad.benchmarks.results import units
from samegrad.benchmarks.results.passes import plain_first, title
from samegrad.reports import style
from samegrad.reports.figures.frame import CHARACTER_IN, MOST, beside, name_rows, sheet, short, time_axis
from samegrad.reports.provenance import footer
from samegrad.reports.records import Fitted, Run
from samegrad.reports.style import Look

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NAME = "fixed-cost-and-rate"
TITLE = "Fixed cost per call, and cost per row"
ROW_IN = 0.2


def rows(fits: list[Fitted]) -> list[dict[str, Any]]:
    """The figure's numbers, one row per implementation of each problem and pass."""
    return [
        {
            "problem": fit.problem,
            "pass": fit.pass_,
            "dtype": fit.dtype,
            "device": fit.device,
            "implementation": fit.implementation,
            **dict(zip(("t0_ns", "t0_low_ns", "t0_high_ns"), fit.t0_ns, strict=True)),
            **dict(zip(("per_row_ns", "per_row_low_ns", "per_row_high_ns"), fit.per_row_ns, strict=True)),
            "half_batch": fit.fit.half_batch,
            "line_describes_the_data": fit.fit.describes,
        }
        for fit in fits
    ]


def panels(fits: list[Fitted]) -> dict[tuple[str, str], list[Fitted]]:
    """Fits by (pass, problem), plain passes first; within one, the smallest fixed cost first."""
    measured = dict.fromkeys((fit.pass_, fit.problem) for fit in fits)
    labels = plain_first(pass_ for pass_, _ in measured)
    keys = sorted(measured, key=lambda key: labels.index(key[0]))
    found: dict[tuple[str, str], list[Fitted]] = {key: [] for key in keys}
    for fit in sorted(fits, key=lambda fit: fit.fit.t0_ns):
        found[fit.pass_, fit.problem].append(fit)
    return found


def describe(fits: list[Fitted]) -> str:
    """The figure in words: fixed cost and cost per row of the first and the last of each panel."""
    told = []
    for (pass_, problem), of in panels(fits).items():
        ends = of if len(of) <= 6 else [of[0], of[-1]]
        each = ", ".join(
            f"{one.implementation} {units.time(one.fit.t0_ns)} and {units.time(one.fit.per_row_ns)} a row"
            for one in ends
        )
        told.append(f"{problem} {title(pass_)}: {each}")
    return f"{TITLE}. {'; '.join(told)}."


def draw(run: Run, fits: list[Fitted], looks: Mapping[str, Look]) -> Figure | None:
    """Two panels per problem and pass, each with a point and an interval per implementation; None without fits."""
    found = panels(fits)
    if not found:
        return None
    name_in = CHARACTER_IN * max(len(short(fit.implementation)) for fit in fits) + 0.2
    most = min(MOST, max(len(of) for of in found.values()))
    heading = f"{TITLE}: {fits[0].dtype}, {fits[0].device}"
    subheading = "t(n) = t0 + n/r∞, fitted to each launch's medians; a ring where a line does not describe the data."
    page = sheet(footer(run), heading, subheading, 2 * len(found), 2, most * ROW_IN, name_in, 0.75, every_axis=True)
    for number, ((pass_, problem), of) in enumerate(found.items()):
        left, right = page.panels[2 * number : 2 * number + 2]
        shown = of[:MOST]
        left.set_title(f"{problem} {title(pass_)}: fixed cost t0")
        _points(left, shown, looks, [fit.t0_ns for fit in shown])
        left.set_xlabel("time per call at no rows")
        right.set_title("cost per row 1/r∞")
        _points(right, shown, looks, [fit.per_row_ns for fit in shown])
        right.set_xlabel("time per row")
    return page.figure


def _points(
    axes: Axes, fits: list[Fitted], looks: Mapping[str, Look], numbers: list[tuple[float, float, float]]
) -> None:
    """Each number as a point on a logarithmic axis with its interval; what is zero or unknown stays blank."""
    colours = [looks[fit.implementation].colour for fit in fits]
    known = [place for place, (value, _, _) in enumerate(numbers) if value > 0]
    bounded = [place for place in known if math.isfinite(sum(numbers[place]))]
    axes.hlines(
        bounded,
        [max(numbers[place][1], numbers[place][0] / 30) for place in bounded],
        [numbers[place][2] for place in bounded],
        color=[colours[place] for place in bounded],
        linewidth=1.6,
        alpha=0.55,
    )
    axes.scatter(
        [numbers[place][0] for place in known],
        known,
        s=25,
        c=[style.BACKGROUND if fits[place].fit.describes is False else colours[place] for place in known],
        edgecolors=[colours[place] for place in known],
        linewidths=1,
        zorder=2,
    )
    for place in known:
        value, _, high = numbers[place]
        beside(axes, max(value, high) if math.isfinite(high) else value, place, units.time(value), 6)
    axes.set_ylim(len(fits) - 0.4, -0.6)
    name_rows(axes, {place: fit.implementation for place, fit in enumerate(fits)}, looks)
    time_axis(axes)
