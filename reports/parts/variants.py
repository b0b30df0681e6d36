"""What it costs to call a pass otherwise: input from the host, pipelined, or a step with another optimizer."""

from __future__ import annotations

from samegrad.benchmarks.results import passes, units
from samegrad.reports import cells
from samegrad.reports.material import Material
from samegrad.reports.part import Columns, ReportPart, Table, each, note, table
from samegrad.reports.variants import Against, against_plain

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
        {meanings} Intervals are Student's t over launches, 95 % each; the two were timed in different rounds."""
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
        **each({_heading(one): one for one in compared}, _cell),
    }
    return table(f"variants-{number}", f"{compared[0].variant.problem}, {compared[0].variant.setting}", names, columns)


def _heading(one: Against) -> tuple[str, str]:
    """The family over its columns (`input from the host, batch 4`), and the pass or the optimizer of one column."""
    label, family = one.variant.pass_, passes.family(one.variant.pass_)
    is_optimizer = family == passes.OPTIMIZERS
    above = "train_step with" if is_optimizer else passes.heading(family)
    return f"{above}, batch {units.count(one.variant.batch)}", passes.split(label)[1 if is_optimizer else 0]


def _cell(one: Against, name: str) -> cells.Cell:
    compared = one.comparison(name)
    if compared is None:
        return "–"
    case = one.variant.case(name)
    notes = case.notes if case and passes.split(one.variant.pass_)[1] == "shapes" else ()
    return cells.lines(compared, *notes)
