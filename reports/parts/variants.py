"""What it costs to call a pass otherwise: input from the host, pipelined, or a step with another optimizer.

A variant and its pass are groups of their own, so their rounds are not paired; within one launch they are timed by the
same processes. Each launch gives one log ratio of medians, and over the launches there is a t-interval; those of a
table hold together.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from samegrad.benchmarks.results import passes, units
from samegrad.benchmarks.results.groups import launches_ratio
from samegrad.benchmarks.results.statistics import Interval
from samegrad.reports import cells
from samegrad.reports.material import Material
from samegrad.reports.part import Columns, ReportPart, Table, each, note, table
from samegrad.reports.records import GroupTimes

ID, TITLE = "variants", "Called otherwise"
MEANINGS = {
    "host": "Input from the host: handed over at each call, and the result fetched.",
    "shapes": "Changing batch: as from the host, with one row more at each call, eight batches in turn; and how often "
    "that was traced or compiled.",
    "pipelined": "Pipelined: many calls enqueued, and one wait for all.",
    passes.OPTIMIZERS: "With an optimizer: instead of plain gradient descent.",
}


def part(material: Material) -> ReportPart | None:
    """One table per problem, dtype and device; None where no variant was measured beside its pass."""
    compared = against_plain(material.run.groups)
    if not compared:
        return None
    families = list(dict.fromkeys(passes.family(one.variant.pass_) for one in compared))
    meanings = " ".join(MEANINGS[family] for family in families if family in MEANINGS)
    how = f"""How many times as long as the same pass called plainly, at the smallest batch measured both ways.
        {meanings} Intervals are Student's t over launches, 95 % for a table together; the two were timed in different
        rounds."""
    settings = dict.fromkeys((one.variant.problem, one.variant.setting) for one in compared)
    tables = [
        _table(number, [one for one in compared if (one.variant.problem, one.variant.setting) == setting], material)
        for number, setting in enumerate(settings, start=1)
    ]
    return ReportPart(ID, TITLE, [note(how), *tables])


def _table(number: int, compared: list[Against], material: Material) -> Table:
    families = passes.families(one.variant.pass_ for one in compared)
    names = [name for name in material.looks if any(one.variant.case(name) for one in compared)]
    compared = sorted(compared, key=lambda one: families.index(passes.family(one.variant.pass_)))
    columns: Columns = {
        "implementation": lambda name: cells.name(name, material.looks),
        **each({_heading(one): one for one in compared}, partial(_cell, sum(len(one.names) for one in compared))),
    }
    return table(f"variants-{number}", f"{compared[0].variant.problem}, {compared[0].variant.setting}", names, columns)


def _heading(one: Against) -> tuple[str, str]:
    """The family over its columns (`input from the host, batch 4`), and the pass or the optimizer of one column."""
    label, family = one.variant.pass_, passes.family(one.variant.pass_)
    is_optimizer = family == passes.OPTIMIZERS
    above = "train_step with" if is_optimizer else passes.heading(family)
    return f"{above}, batch {units.count(one.variant.batch)}", passes.split(label)[1 if is_optimizer else 0]


def _cell(comparisons: int, one: Against, name: str) -> cells.Cell:
    if name not in one.names:
        return "–"
    case = one.variant.case(name)
    notes = case.notes if case and passes.split(one.variant.pass_)[1] == "shapes" else ()
    return cells.lines(one.comparison(name, comparisons), *notes)


@dataclass(frozen=True)
class Against:
    """One group of variants beside the group of its plain pass."""

    variant: GroupTimes
    plain: GroupTimes

    @property
    def names(self) -> list[str]:
        """The implementations that were measured both ways."""
        return [name for name in self.variant.times_ns if self.plain.case(name)]

    def comparison(self, name: str, comparisons: int = 1) -> Interval:
        """The variant's time over the plain pass's, with an interval that is one of so many that hold together."""
        return launches_ratio(self.variant.times_ns[name], self.plain.times_ns[name], comparisons)


def against_plain(groups: tuple[GroupTimes, ...]) -> list[Against]:
    """Every variant at the smallest batch where its plain pass was measured too, in the order of the file."""
    plain = {(g.problem, g.pass_, g.dtype, g.device, g.batch): g for g in groups if not passes.split(g.pass_)[1]}
    smallest: dict[tuple[str, str, str, str], Against] = {}
    for group in sorted(groups, key=lambda group: group.batch):
        name, variant = passes.split(group.pass_)
        beside = plain.get((group.problem, name, group.dtype, group.device, group.batch))
        if variant and beside:
            smallest.setdefault((group.problem, group.pass_, group.dtype, group.device), Against(group, beside))
    order = list(dict.fromkeys((g.problem, g.pass_, g.dtype, g.device) for g in groups))
    return [smallest[key] for key in order if key in smallest]
