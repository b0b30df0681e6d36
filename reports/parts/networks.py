"""Time against the number of networks: what one takes, where the call stops mattering, how far from the floor."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from samegrad.benchmarks.results import units
from samegrad.reports import cells
from samegrad.reports.figures import series
from samegrad.reports.material import Material
from samegrad.reports.part import Block, Columns, Figure, ReportPart, Table, Text, each, note, table
from samegrad.reports.provenance import footer
from samegrad.reports.ratios import compare
from samegrad.reports.series import Series, over_networks

ID, TITLE = "networks", "Many networks at once"
MOST = 6
"""The most series in a figure; the others are in its CSV file."""
HOW = """Networks of the same layers, each with parameters of its own, on the same rows. The call decides up to the
number at which it takes twice what it takes for the fewest (interpolated in each launch; 95 % over launches, for all
together). From there on a network more costs what it costs by itself."""


def part(material: Material) -> ReportPart | None:
    """A table per problem, pass, batch, dtype and device; None where there are no three numbers of networks."""
    all_series = over_networks(material.run.groups)
    if not all_series:
        return None
    shown, heading = all_series[:MOST], "Time per network against their number"
    figure = Figure(
        "time-over-networks",
        partial(series.draw, footer(material.run), heading, "fewest", shown, material.looks, "networks at once"),
        rows(all_series),
        f"Time per network, medians. {' '.join(one.sentence for one in shown)}",
    )
    blocks: list[Block] = [note(HOW), figure]
    for number, one in enumerate(all_series, start=1):
        blocks += [Text(one.sentence), _table(one, number, material)]
    return ReportPart(ID, TITLE, blocks)


def rows(all_series: Sequence[Series]) -> list[dict[str, Any]]:
    """The figure's numbers, one row per point."""
    return [
        {
            **{"problem": group.problem, "pass": group.pass_, "batch": group.batch, "dtype": group.dtype},
            **{"device": group.place, "networks": number, "implementation": case.implementation},
            **{"median_ns": case.median_ns, "per_network_ns": case.median_ns / number},
            **one.takeover_facts(case.implementation, "networks"),
        }
        for one in all_series
        for number, group in one.groups.items()
        for case in group.cases
    ]


def _table(one: Series, number: int, material: Material) -> Table:
    most = list(one.groups)[-1]
    columns: Columns = {
        "implementation": lambda name: cells.name(name, material.looks),
        **each(
            {f"K = {units.count(count)}": count for count in one.groups}, lambda count, name: _each(one, count, name)
        ),
        "over the floor": lambda name: _over(one, most, name),
        "the call decides up to K": lambda name: one.takeover(name, "beyond the most"),
    }
    names = [name for name in one.result.takeovers if name in material.looks]
    title = f"{one.where}, {one.first.dtype} on {one.first.place}: time per network"
    return table(f"networks-{number}", title, names, columns)


def _each(one: Series, count: int, name: str) -> cells.Cell:
    case = one.groups[count].case(name)
    return cells.cell(units.time(case.median_ns / count), case.median_ns / count) if case else "–"


def _over(one: Series, most: int, name: str) -> cells.Cell:
    """The ratios to the floor at the most networks."""
    case = one.groups[most].case(name)
    if case is None or not one.floors or name in one.floors:
        return "–"
    return cells.lines(compare(one.groups[most], case, one.base(most)))
