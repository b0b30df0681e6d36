"""Time against a network's width or their number: how far apart the implementations are, and where the call decides."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from samegrad.benchmarks.results import units
from samegrad.benchmarks.results.series import about
from samegrad.reports import cells
from samegrad.reports.figures import series as figures
from samegrad.reports.material import Material
from samegrad.reports.part import Block, Columns, Figure, ReportPart, Table, Text, each, note, table
from samegrad.reports.provenance import footer
from samegrad.reports.ratios import compare
from samegrad.reports.records import GroupTimes
from samegrad.reports.series import Series, over_networks, over_widths

MOST = 6
"""The most series in a figure; the others are in its CSV file."""
DECIDES = """The call decides up to where it takes twice what it takes at the {least} (interpolated in each launch; 95 %
over launches, for all together)."""
TAKEOVER = ("takeover", "takeover_low", "takeover_high")


@dataclass(frozen=True)
class SeriesPart:
    """A part on the groups that differ in one number: `symbol` in tables, `key` in CSV files, `x` under figures."""

    ID: str
    TITLE: str
    symbol: str
    key: str
    x: str
    against: str
    how: str
    series_of: Callable[[Iterable[GroupTimes]], list[Series]]

    def part(self, material: Material) -> ReportPart | None:
        """A figure per dtype and device, and a table per series; None without three numbers of anything."""
        every = self.series_of(material.run.groups)
        if not every:
            return None
        blocks: list[Block] = [note(f"{self.how} {DECIDES.format(least=every[0].result.ENDS[0])}")]
        for setting in dict.fromkeys(one.setting for one in every):
            blocks.append(self._figure([one for one in every if one.setting == setting], material))
        for number, one in enumerate(every, start=1):
            blocks += [Text(one.sentence), self._table(one, f"{self.ID}-{number}", material)]
        return ReportPart(self.ID, self.TITLE, blocks)

    def _figure(self, every: Sequence[Series], material: Material) -> Figure:
        shown, (dtype, place) = every[:MOST], every[0].setting
        what = f"Time per {every[0].result.UNIT} against {self.against}"
        heading = f"{what}: {dtype}, {place}"
        return Figure(
            f"time-over-{self.ID}-{material.suffix(dtype, place)}",
            partial(figures.draw, footer(material.run), heading, shown, material.looks, self.x),
            self._rows(every),
            f"{what}, medians. {' '.join(one.sentence for one in shown)}",
        )

    def _rows(self, every: Iterable[Series]) -> list[dict[str, Any]]:
        """The figure's numbers, one row per point."""
        return [
            {
                **group.facts,
                **{"problem": one.name, "device": group.place, self.key: number},
                **{"implementation": case.implementation, "median_ns": case.median_ns},
                **{"per_network_ns": case.median_ns / one.result.networks(number)},
                **{"ratio_to": one.base(number).implementation, **compare(group, case, one.base(number))._asdict()},
                **dict(zip(TAKEOVER, one.result.takeovers.get(case.implementation) or (None,) * 3, strict=True)),
            }
            for one in every
            for number, group in one.groups.items()
            for case in group.cases
        ]

    def _table(self, one: Series, name: str, material: Material) -> Table:
        columns: Columns = {
            "implementation": lambda name: cells.name(name, material.looks),
            **each({f"{self.symbol} = {units.count(at)}": at for at in one.groups}, partial(_point, one)),
            f"the call decides up to {self.symbol}": partial(_takeover, one),
        }
        names = [name for name in material.looks if name in one.result.takeovers]
        what = f"{one.where}, {' on '.join(one.setting)}: time per {one.result.UNIT}, and over that of {one.to}"
        return table(name, what, names, columns)


def _point(one: Series, number: int, name: str) -> cells.Cell:
    """The time, and its ratio with the interval."""
    case, base = one.groups[number].case(name), one.base(number)
    if case is None:
        return "–"
    each_ns = case.median_ns / one.result.networks(number)
    return cells.timed(each_ns, None if case is base else compare(one.groups[number], case, base))


def _takeover(one: Series, name: str) -> cells.Cell:
    takeover = one.result.takeovers[name]
    return cells.cell(about(takeover), takeover.ratio) if takeover else f"beyond the {one.result.ENDS[1]}"


WIDTHS = SeriesPart(
    "widths",
    "Against the width of the network",
    "w",
    "width",
    "width (units of each hidden layer)",
    "width",
    "w is the number of units of every hidden layer.",
    over_widths,
)
NETWORKS = SeriesPart(
    "networks",
    "Many networks at once",
    "K",
    "networks",
    "networks at once",
    "their number",
    "Networks of the same layers, each with parameters of its own, on the same rows.",
    over_networks,
)
