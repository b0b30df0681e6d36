"""The ladder: every execution of each framework at the smallest batch, the slowest first, the floor marked."""

from __future__ import annotations

import math
from collections import Counter

from samegrad.benchmarks.results import units
from samegrad.reports import cells, style
from samegrad.reports.answer import headline
from samegrad.reports.figures import points
from samegrad.reports.material import Material
from samegrad.reports.part import Columns, Figure, ReportPart, note, table
from samegrad.reports.provenance import footer
from samegrad.reports.ratios import compare
from samegrad.reports.records import CaseTimes, GroupTimes, StoredRun

ID, TITLE = "ladder", "The ladder"
LEAST = 3
"""The least number of executions of one framework that make a ladder."""


def part(material: Material) -> ReportPart | None:
    """A row per rung, each framework's slowest first; None where no framework was measured in several executions."""
    run, looks, group = material.run, material.looks, group_of(material.run)
    if group is None:
        return None
    steps = rungs(run, group)
    floor = next((case for case in group.cases if case.is_floor), None)
    line = None
    if floor:
        line = floor.median_ns, f"{floor.implementation}, the floor: {units.time(floor.median_ns)}", style.FLOOR
    panel = points.PointPanel(
        "", [_mark(group, first, case, material) for _, first, case in steps], "time per call", line
    )
    subheading = "Median per execution, from each framework's slowest to its fastest, and how many times faster it is."
    figure = Figure(
        "ladder",
        lambda: points.draw(footer(run), f"{TITLE}: {group.where}", subheading, [panel], lambda ns: units.time(ns, 1)),
        [
            {
                **group.facts,
                **{"framework": framework, "implementation": case.implementation, "median_ns": case.median_ns},
                "times_faster_than_the_first_rung": compare(group, first, case).ratio,
            }
            for framework, first, case in steps
        ],
        _describe(steps),
    )
    columns: Columns = {
        "framework": lambda step: step[0],
        "implementation": lambda step: cells.name(step[2].implementation, looks),
        "median": lambda step: cells.time(step[2].median_ns),
        "times faster": lambda step: cells.ratio(compare(group, *step[1:]).ratio),
        "interval": lambda step: cells.interval(*compare(group, *step[1:])[1:]),
    }
    how = f"""Every execution of each framework at {group.where}, on a logarithmic scale, the slowest first; and how
        many times faster than that it is, with its interval (95 % for all pairs together)."""
    shown = table("ladder-table", "Against each framework's slowest execution", steps, columns, "Numbers: the ladder")
    return ReportPart(ID, TITLE, [note(how), figure, shown])


def _mark(group: GroupTimes, first: CaseTimes, case: CaseTimes, material: Material) -> points.Mark:
    text = units.time(case.median_ns)
    if case is not first:
        ratio, low, high = compare(group, first, case)
        within = units.interval(low, high)
        text += f" · {units.ratio(ratio)}×{f' ({within})' if within else ''}"
    look, gap = material.looks[case.implementation], 0.5 if case is first else 0.0
    return points.Mark(case.implementation, look, case.median_ns, math.nan, math.nan, text, gap=gap)


def group_of(run: StoredRun) -> GroupTimes | None:
    """The headline's smallest batch, if some framework was measured in enough executions."""
    if not run.groups:
        return None
    group = headline(run)[0]
    counts = Counter(_framework(run, case) for case in group.cases if not case.is_floor)
    return group if max(counts.values(), default=0) >= LEAST else None


Rung = tuple[str, CaseTimes, CaseTimes]
"""A framework, its slowest case, and one of its cases."""


def rungs(run: StoredRun, group: GroupTimes) -> list[Rung]:
    """The cases of each framework from the slowest as it is climbed; the framework with the lowest top comes last."""
    by_framework: dict[str, list[CaseTimes]] = {}
    for case in group.cases:
        if not case.is_floor:
            by_framework.setdefault(_framework(run, case), []).append(case)
    order = sorted(by_framework.items(), key=lambda item: -item[1][0].median_ns)
    return [(framework, cases[-1], case) for framework, cases in order for case in cases[::-1]]


def _framework(run: StoredRun, case: CaseTimes) -> str:
    return run.implementations[case.implementation].framework


def _describe(steps: list[Rung]) -> str:
    """The figure in words: the ends of every framework's ladder."""
    ends = {framework: (first, case) for framework, first, case in steps}
    each = [
        f"{framework} from " + " to ".join(f"{case.implementation} {units.time(case.median_ns)}" for case in both)
        for framework, both in ends.items()
    ]
    return f"Time per call by execution, logarithmic. {'; '.join(each)}."
