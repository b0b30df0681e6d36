"""Time against a network's width: how far apart the implementations are at each, and where arithmetic takes over."""

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
from samegrad.reports.series import Series, over_widths

ID, TITLE = "widths", "Against the width of the network"
MOST = 6
"""The most series in a figure; the others are in its CSV file."""
HOW = """w is the number of units of every hidden layer. Times over that of the fastest, floors aside, each with the
interval that holds for all pairs of its group. The call decides up to the width at which it takes twice what it takes
at the narrowest (interpolated in each launch; 95 % over launches, for all together)."""


def part(material: Material) -> ReportPart | None:
    """A table per family, pass, batch, dtype and device; None where there is no family of three widths."""
    families = over_widths(material.run.groups)
    if not families:
        return None
    blocks: list[Block] = [note(HOW)]
    for dtype, device in material.run.settings:
        if of := over_widths(material.run.select(dtype, device)):
            blocks.append(_figure(of, material, dtype, device))
    for number, one in enumerate(families, start=1):
        blocks += [Text(one.sentence), _table(one, number, material)]
    return ReportPart(ID, TITLE, blocks)


def _figure(families: Sequence[Series], material: Material, dtype: str, device: str) -> Figure:
    shown, looks, x = families[:MOST], material.looks, "width (units of each hidden layer)"
    heading = f"Time per call against width: {dtype}, {device}"
    return Figure(
        f"time-over-width-{material.suffix(dtype, device)}",
        partial(series.draw, footer(material.run), heading, "narrowest", shown, looks, x),
        rows(families),
        f"Time per call against width, medians. {' '.join(one.sentence for one in shown)}",
    )


def rows(families: Sequence[Series]) -> list[dict[str, Any]]:
    """The figure's numbers, one row per point."""
    return [
        {
            **{"family": one.what.split()[0], "pass": group.pass_, "batch": group.batch, "dtype": group.dtype},
            **{"device": group.device, "width": width, "implementation": case.implementation},
            **{"median_ns": case.median_ns, "ratio_to_fastest": ratio.ratio},
            **{"ratio_low": ratio.low, "ratio_high": ratio.high},
            **one.takeover_facts(case.implementation, "width"),
        }
        for one in families
        for width, group in one.groups.items()
        for case in group.cases
        for ratio in [compare(group, case, group.fastest)]
    ]


def _table(one: Series, number: int, material: Material) -> Table:
    columns: Columns = {
        "implementation": lambda name: cells.name(name, material.looks),
        **each(
            {f"w = {units.count(width)}": width for width in one.groups}, lambda width, name: _ratio(one, width, name)
        ),
        "the call decides up to w": lambda name: one.takeover(name, "beyond the widest"),
    }
    names = [name for name in material.looks if name in one.result.takeovers]
    return table(f"widths-{number}", f"{one.where}, {one.first.setting}", names, columns)


def _ratio(one: Series, width: int, name: str) -> cells.Cell:
    group = one.groups[width]
    case = group.case(name)
    return cells.lines(compare(group, case, group.fastest)) if case else "–"
