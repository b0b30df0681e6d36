"""The ladder: every execution of each framework at the smallest batch, the slowest first, the floor marked."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

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
    floor = next((case for case in group.cases if case.is_floor), None)
    line = (
        (floor.median_ns, f"{floor.implementation}, the floor: {units.time(floor.median_ns)}", style.FLOOR)
        if floor
        else None
    )
    steps = [(framework, cases[0], case) for framework, cases in rungs(run, group) for case in cases]
    panel = points.PointPanel(
        "", [_mark(group, first, case, material) for _, first, case in steps], "time per call", line
    )
    subheading = "Median per execution, from each framework's slowest to its fastest, and how many times faster it is."
    figure = Figure(
        "ladder",
        lambda: points.draw(footer(run), f"{TITLE}: {group.where}", subheading, [panel], lambda ns: units.time(ns, 1)),
        rows(run),
        describe(run),
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
    caption = "Against each framework's slowest execution"
    return ReportPart(
        ID, TITLE, [note(how), figure, table("ladder-table", caption, steps, columns, "Numbers: the ladder")]
    )


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


def rungs(run: StoredRun, group: GroupTimes) -> list[tuple[str, list[CaseTimes]]]:
    """The cases by framework, each ladder's slowest first as it is climbed, the framework with the lowest top last."""
    by_framework: dict[str, list[CaseTimes]] = {}
    for case in group.cases:
        if not case.is_floor:
            by_framework.setdefault(_framework(run, case), []).append(case)
    order = sorted(by_framework.items(), key=lambda item: -item[1][0].median_ns)
    return [(framework, cases[::-1]) for framework, cases in order]


def _framework(run: StoredRun, case: CaseTimes) -> str:
    return str(run.implementations[case.implementation]["framework"])


def rows(run: StoredRun) -> list[dict[str, Any]]:
    """The figure's numbers, one row per rung; the ratio is to the slowest rung of the same framework."""
    group = group_of(run)
    if group is None:
        return []
    return [
        {
            **{"framework": framework, "implementation": case.implementation, "problem": group.problem},
            **{"pass": group.pass_, "batch": group.batch, "median_ns": case.median_ns},
            "times_faster_than_the_first_rung": compare(group, cases[0], case).ratio,
        }
        for framework, cases in rungs(run, group)
        for case in cases
    ]


def describe(run: StoredRun) -> str:
    """The figure in words: the ends of every framework's ladder."""
    group = group_of(run)
    each = [
        f"{framework} from {cases[0].implementation} {units.time(cases[0].median_ns)} "
        f"to {cases[-1].implementation} {units.time(cases[-1].median_ns)}"
        for framework, cases in (rungs(run, group) if group else ())
    ]
    return f"Time per call by execution, logarithmic. {'; '.join(each)}."
