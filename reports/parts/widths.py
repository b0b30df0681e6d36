"""Time against a network's width: how far apart the implementations are at each, and where arithmetic takes over."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from functools import partial
from typing import Any

from samegrad.benchmarks.results import units
from samegrad.benchmarks.results.widths import about
from samegrad.reports import cells
from samegrad.reports.figures import widths
from samegrad.reports.figures.frame import drawn
from samegrad.reports.material import Material
from samegrad.reports.part import Block, Columns, Figure, ReportPart, Table, Text, each, note, table
from samegrad.reports.provenance import footer
from samegrad.reports.ratios import compare
from samegrad.reports.widths import Series, series

ID, TITLE = "widths", "Against the width of the network"
MOST = 6
"""The most series in a figure; the others are in its CSV file."""
NOTE = 150
"""The most characters in a line of its answer."""
HOW = """w is the number of units of every hidden layer. Times over that of the fastest, floors aside, each with the
interval that holds for all pairs of its group. The call decides up to the width at which it takes twice what it takes
at the narrowest (interpolated in each launch; 95 % over launches, for all together)."""


def part(material: Material) -> ReportPart | None:
    """A table per family, pass, batch, dtype and device; None where there is no family of three widths."""
    families = series(material.run.groups)
    if not families:
        return None
    blocks: list[Block] = [note(HOW), *_figures(material)]
    for number, one in enumerate(families, start=1):
        blocks += [Text(one.sentence), _table(one, number, material)]
    return ReportPart(ID, TITLE, blocks)


def _figures(material: Material) -> list[Figure]:
    figures = []
    for dtype, device in material.run.settings:
        if families := series(material.run.select(dtype, device)):
            words = f"Time per call against width, medians. {' '.join(one.sentence for one in families[:MOST])}"
            name = f"time-over-width-{material.suffix(dtype, device)}"
            figures.append(
                Figure(name, partial(figure, material, families[:MOST], f"{dtype}, {device}"), rows(families), words)
            )
    return figures


def figure(material: Material, families: Sequence[Series], setting: str) -> widths.Figure:
    """Times and ratios of every series, with its sentence below."""
    shown, left_out = drawn([group for one in families for group in one.groups.values()])
    notes = [line for one in families for line in textwrap.wrap(one.sentence, NOTE)]
    subheading = "Medians with the 10th to the 90th percentile; a ring: twice the time of the narrowest." + left_out
    heading = f"Time per call against width: {setting}"
    return widths.draw([*notes, *footer(material.run)], heading, subheading, families, shown, material.looks)


def rows(families: Sequence[Series]) -> list[dict[str, Any]]:
    """The figure's numbers, one row per point."""
    return [
        {
            **{"family": one.family, "pass": group.pass_, "batch": group.batch, "dtype": group.dtype},
            **{"device": group.device, "width": width, "implementation": case.implementation},
            **{"median_ns": case.median_ns, "ratio_to_fastest": ratio.ratio},
            **{"ratio_low": ratio.low, "ratio_high": ratio.high, "takeover_width": takeover and takeover.ratio},
            **{"takeover_low": takeover and takeover.low, "takeover_high": takeover and takeover.high},
        }
        for one in families
        for width, group in one.groups.items()
        for case in group.cases
        for ratio, takeover in [(compare(group, case, group.fastest), one.measured.takeovers.get(case.implementation))]
    ]


def _table(one: Series, number: int, material: Material) -> Table:
    columns: Columns = {
        "implementation": lambda name: cells.name(name, material.looks),
        **each(
            {f"w = {units.count(width)}": width for width in one.groups}, lambda width, name: _ratio(one, width, name)
        ),
        "the call decides up to w": lambda name: _takeover(one, name),
    }
    names = [name for name in material.looks if name in one.measured.takeovers]
    title = f"{one.where}, {one.first.setting}"
    return table(f"widths-{number}", title, names, columns)


def _ratio(one: Series, width: int, name: str) -> cells.Cell:
    group = one.groups[width]
    case = group.case(name)
    return cells.lines(compare(group, case, group.fastest)) if case else "–"


def _takeover(one: Series, name: str) -> cells.Cell:
    takeover = one.measured.takeovers[name]
    return cells.cell(about(takeover), takeover.ratio) if takeover else "beyond the widest"
