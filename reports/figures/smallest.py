"""Time at the smallest batch, where the framework itself is the bill: bars, each with its ratio to the fastest."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from samegrad.benchmarks.results import units
from samegrad.reports.figures.frame import CHARACTER_IN, beside, drawn, name_rows, panel_groups, sheet, short
from samegrad.reports.provenance import footer
from samegrad.reports.ratios import compare
from samegrad.reports.records import Case, Group, Run
from samegrad.reports.style import Look

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NAME = "smallest-batch"
TITLE = "Time per call at the smallest batch"
BAR_IN = 0.23
POINTS_PER_CHARACTER = 5.0
VALUES_IN = 1.25
"""What the times and ratios beyond the longest bar need."""


def smallest(groups: list[Group]) -> list[Group]:
    """For each problem and pass the group of the smallest batch."""
    return [members[0] for members in panel_groups(groups).values()]


def rows(groups: list[Group]) -> list[dict[str, Any]]:
    """The figure's numbers, one row per bar."""
    return [
        {
            "problem": group.problem,
            "pass": group.pass_,
            "batch": group.batch,
            "dtype": group.dtype,
            "device": group.device,
            "implementation": case.implementation,
            "median_ns": case.median_ns,
            "fastest": group.fastest.implementation,
            "ratio_to_fastest": compare(group, case, group.fastest).ratio,
        }
        for group in smallest(groups)
        for case in group.cases
    ]


def describe(groups: list[Group]) -> str:
    """The figure in words: every bar of every panel where they are few, otherwise the ends."""
    told = []
    for group in smallest(groups):
        cases = group.cases if len(group.cases) <= 8 else (group.cases[0], group.cases[-1])
        bars = ", ".join(f"{case.implementation} {units.time(case.median_ns)}" for case in cases)
        told.append(f"{group.what}, batch {units.count(group.batch)}: {bars}")
    return f"{TITLE}, medians as bars. {'; '.join(told)}."


def draw(run: Run, groups: list[Group], looks: Mapping[str, Look]) -> Figure:
    """One panel of bars per problem and pass, the fastest on top."""
    panels = smallest(groups)
    shown, left_out = drawn(panels)
    columns = min(2, len(panels))
    most = max(sum(case.implementation in shown for case in group.cases) for group in panels)
    name_in = CHARACTER_IN * max(len(short(name)) for name in shown) + 0.2
    subheading = (
        "Median, and the ratio to the fastest of its panel, paired round by round (a floor is no contestant)."
        + left_out
    )
    heading = f"{TITLE}: {panels[0].dtype}, {panels[0].device}"
    page = sheet(
        footer(run), heading, subheading, len(panels), columns, most * BAR_IN + 0.1, name_in, VALUES_IN, every_axis=True
    )
    for axes, group in zip(page.panels, panels, strict=True):
        axes.set_title(f"{group.what} · batch {units.count(group.batch)}")
        _bars(axes, group, [case for case in group.cases if case.implementation in shown], looks, most)
    return page.figure


def _bars(axes: Axes, group: Group, cases: list[Case], looks: Mapping[str, Look], most: int) -> None:
    from matplotlib.ticker import MaxNLocator

    divisor, unit = next(step for step in units.STEPS if cases[-1].median_ns >= step[0] or step[0] == 1.0)
    longest = cases[-1].median_ns / divisor
    lengths = [case.median_ns / divisor for case in cases]
    colours = [looks[case.implementation].colour for case in cases]
    axes.barh(range(len(cases)), lengths, height=0.68, color=colours, linewidth=0)
    for place, (case, length) in enumerate(zip(cases, lengths, strict=True)):
        look = looks[case.implementation]
        relative = compare(group, case, group.fastest).ratio
        said = "" if case is group.fastest else f"{units.ratio(relative)}×{' floor' if case.is_floor else ''}"
        time = units.time(case.median_ns)
        beside(axes, length, place, time)
        after = 11 + POINTS_PER_CHARACTER * len(time)
        beside(axes, length, place, said, after, color=look.ink, weight="bold", size=8.5)
    name_rows(axes, {place: case.implementation for place, case in enumerate(cases)}, looks)
    axes.set(xlim=(0, longest), ylim=(most - 0.4, -0.6), xlabel=f"time per call ({unit})")
    axes.set_xticks([tick for tick in MaxNLocator(4).tick_values(0, longest) if tick <= longest])
    axes.spines["bottom"].set_visible(False)
