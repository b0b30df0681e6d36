"""The ladder: every execution of each framework at the smallest batch, on one logarithmic axis, the floor marked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from samegrad.benchmarks.results import units
from samegrad.reports import style
from samegrad.reports.answer import headline
from samegrad.reports.figures.frame import CHARACTER_IN, beside, name_rows, sheet, short, time_axis
from samegrad.reports.provenance import footer
from samegrad.reports.ratios import compare
from samegrad.reports.records import Case, Group, Run
from samegrad.reports.style import Look

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NAME = "ladder"
TITLE = "The ladder"
ROW_IN = 0.2
LEAST = 3
"""So many executions of one framework make a ladder."""


def group_of(run: Run) -> Group | None:
    """The headline's smallest batch, if some framework was measured in enough executions."""
    if not run.groups:
        return None
    group = headline(run)[0]
    counts = Counter(_framework(run, case) for case in group.cases if not case.is_floor)
    return group if max(counts.values(), default=0) >= LEAST else None


def rungs(run: Run, group: Group) -> list[tuple[str, list[Case]]]:
    """The cases by framework, each ladder's slowest first as it is climbed, the framework with the lowest top last."""
    found: dict[str, list[Case]] = {}
    for case in group.cases:
        if not case.is_floor:
            found.setdefault(_framework(run, case), []).append(case)
    order = sorted(found.items(), key=lambda item: -item[1][0].median_ns)
    return [(framework, cases[::-1]) for framework, cases in order]


def _framework(run: Run, case: Case) -> str:
    return str(run.implementations[case.implementation]["framework"])


def rows(run: Run) -> list[dict[str, Any]]:
    """The figure's numbers, one row per rung; the ratio is to the slowest rung of the same framework."""
    group = group_of(run)
    if group is None:
        return []
    return [
        {
            "framework": framework,
            "implementation": case.implementation,
            "problem": group.problem,
            "pass": group.pass_,
            "batch": group.batch,
            "median_ns": case.median_ns,
            "times_faster_than_the_first_rung": compare(group, cases[0], case).ratio,
        }
        for framework, cases in rungs(run, group)
        for case in cases
    ]


def describe(run: Run) -> str:
    """The figure in words: the ends of every framework's ladder."""
    group = group_of(run)
    told = [
        f"{framework} from {cases[0].implementation} {units.time(cases[0].median_ns)} "
        f"to {cases[-1].implementation} {units.time(cases[-1].median_ns)}"
        for framework, cases in (rungs(run, group) if group else ())
    ]
    return f"{TITLE}: time per call by execution, logarithmic. {'; '.join(told)}."


def draw(run: Run, looks: Mapping[str, Look]) -> Figure | None:
    """One row per rung, each framework's rungs joined, the floor as a line; None where there is no ladder."""
    group = group_of(run)
    if group is None:
        return None
    ladders = rungs(run, group)
    count = sum(len(cases) for _, cases in ladders) + 0.5 * (len(ladders) - 1)
    name_in = CHARACTER_IN * max(len(short(case.implementation)) for _, cases in ladders for case in cases) + 0.2
    heading = f"{TITLE}: {group.where}"
    subheading = "Median per execution, from each framework's slowest to its fastest, and how many times faster it is."
    page = sheet(footer(run), heading, subheading, 1, 1, ROW_IN * count, name_in, 1.3, every_axis=True)
    (axes,) = page.panels
    place, names = 0.0, dict[float, str]()
    for _, cases in ladders:
        look = looks[cases[0].implementation]
        places = [place + number for number in range(len(cases))]
        axes.plot([case.median_ns for case in cases], places, color=look.colour, linewidth=1, alpha=0.5)
        for at, case in zip(places, cases, strict=True):
            names[at] = case.implementation
            axes.plot(case.median_ns, at, marker="o", markersize=5.5, color=look.colour)
            faster = compare(group, cases[0], case).ratio
            said = units.time(case.median_ns) + (f" · {units.ratio(faster)}×" if case is not cases[0] else "")
            beside(axes, case.median_ns, at, said, 8)
        place += len(cases) + 0.5
    for floor in (case for case in group.cases if case.is_floor):
        axes.axvline(floor.median_ns, color=style.FLOOR.colour, linewidth=1.2, linestyle=(0, style.FLOOR.dashes))
        axes.text(floor.median_ns, -0.75, f" {floor.implementation}, the floor: {units.time(floor.median_ns)}", size=8)
    axes.set(ylim=(place - 0.9, -1.1), xlabel="time per call")
    name_rows(axes, names, looks)
    time_axis(axes)
    return page.figure
