"""Time against the number of networks: what one takes, where the call stops mattering, how far from the floor."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from functools import partial
from typing import Any

from samegrad.benchmarks.results import units
from samegrad.benchmarks.results.widths import about
from samegrad.reports import cells
from samegrad.reports.figures import networks
from samegrad.reports.figures.frame import drawn
from samegrad.reports.material import Material
from samegrad.reports.networks import NetworkSeries, series
from samegrad.reports.part import Block, Columns, Figure, ReportPart, Table, Text, each, note, table
from samegrad.reports.provenance import footer
from samegrad.reports.ratios import compare

ID, TITLE = "networks", "Many networks at once"
MOST = 6
"""The most series in a figure; the others are in its CSV file."""
NOTE = 150
"""The most characters in a line of its answer."""
HOW = """Networks of the same layers, each with parameters of its own, on the same rows. The call decides up to the
number at which it takes twice what it takes for the fewest (interpolated in each launch; 95 % over launches, for all
together). From there on a network more costs what it costs by itself."""


def part(material: Material) -> ReportPart | None:
    """A table per problem, pass, batch, dtype and device; None where there are no three numbers of networks."""
    all_series = series(material.run.groups)
    if not all_series:
        return None
    blocks: list[Block] = [note(HOW), _figure(all_series, material)]
    for number, one in enumerate(all_series, start=1):
        blocks += [Text(one.sentence), _table(one, number, material)]
    return ReportPart(ID, TITLE, blocks)


def _figure(all_series: Sequence[NetworkSeries], material: Material) -> Figure:
    words = f"Time per network, medians. {' '.join(one.sentence for one in all_series[:MOST])}"
    return Figure("time-over-networks", partial(figure, material, all_series[:MOST]), rows(all_series), words)


def figure(material: Material, all_series: Sequence[NetworkSeries]) -> networks.Figure:
    """Times and ratios of every series, with its sentence below."""
    shown, left_out = drawn([group for one in all_series for group in one.groups.values()])
    notes = [line for one in all_series for line in textwrap.wrap(one.sentence, NOTE)]
    subheading = "Medians with the 10th to the 90th percentile; a ring: twice the time of the fewest." + left_out
    heading = "Time per network against their number"
    return networks.draw([*notes, *footer(material.run)], heading, subheading, all_series, shown, material.looks)


def rows(all_series: Sequence[NetworkSeries]) -> list[dict[str, Any]]:
    """The figure's numbers, one row per point."""
    return [
        {
            **{"problem": group.problem, "pass": group.pass_, "batch": group.batch, "dtype": group.dtype},
            **{"device": group.place, "networks": number, "implementation": case.implementation},
            **{"median_ns": case.median_ns, "per_network_ns": case.median_ns / number},
            **{"takeover_networks": takeover and takeover.ratio},
            **{"takeover_low": takeover and takeover.low, "takeover_high": takeover and takeover.high},
        }
        for one in all_series
        for number, group in one.groups.items()
        for case in group.cases
        for takeover in [one.result.takeovers.get(case.implementation)]
    ]


def _table(one: NetworkSeries, number: int, material: Material) -> Table:
    columns: Columns = {
        "implementation": lambda name: cells.name(name, material.looks),
        **each(
            {f"K = {units.count(count)}": count for count in one.groups}, lambda count, name: _each(one, count, name)
        ),
        "over the floor": lambda name: _over(one, name),
        "the call decides up to K": lambda name: _takeover(one, name),
    }
    names = [name for name in one.result.takeovers if name in material.looks]
    title = f"{one.where}, {one.first.dtype} on {one.first.place}: time per network"
    return table(f"networks-{number}", title, names, columns)


def _each(one: NetworkSeries, count: int, name: str) -> cells.Cell:
    case = one.groups[count].case(name)
    return cells.cell(units.time(case.median_ns / count), case.median_ns / count) if case else "–"


def _over(one: NetworkSeries, name: str) -> cells.Cell:
    """The ratios to the floor at the most networks."""
    group = one.groups[one.result.most]
    case, floor = group.case(name), group.case(one.result.floor or "")
    if case is None or floor is None or name == one.result.floor:
        return "–"
    return cells.lines(compare(group, case, floor))


def _takeover(one: NetworkSeries, name: str) -> cells.Cell:
    takeover = one.result.takeovers[name]
    return cells.cell(about(takeover), takeover.ratio) if takeover else "beyond the most"
