"""Environments side by side: what became slower or faster from the first to another, in the same rounds."""

from __future__ import annotations

from samegrad.benchmarks.results import units
from samegrad.reports import cells
from samegrad.reports.material import Material
from samegrad.reports.part import Columns, ReportPart, each, note, table

ID, TITLE = "contenders", "Two environments"


def part(material: Material) -> ReportPart | None:
    """A row for each change, the largest first, and the versions that differ; None for a run without contenders."""
    if material.run.file is None or not material.run.ours.changes:
        return None
    ours = material.run.ours
    first = ours.contenders[0].name
    columns: Columns = {
        "implementation": lambda change: cells.name(change.name, material.looks),
        "case": lambda change: change.group,
        "before": lambda change: cells.time(change.before_ns),
        "after": lambda change: cells.time(change.after_ns),
        "ratio": lambda change: cells.cell(units.significant(change.ratio, units.DIGITS_OF_CHANGE), change.ratio),
        "interval": lambda change: units.interval(change.low, change.high, units.DIGITS_OF_CHANGE),
        "verdict": lambda change: cells.verdict(change.verdict or "no verdict"),
    }
    names = ", ".join(f"{one.name} is {one.commit[:12] if one.commit else one.interpreter}" for one in ours.contenders)
    how = f"""{names}: workers of each took turns in the same rounds. Each interval holds by itself at 95 %; the margin
        is {100 * ours.options.margin:g} %."""
    changes = table(
        "contenders-table",
        f"Time over that in {first}",
        sorted(ours.changes, key=lambda change: -change.ratio),
        columns,
    )
    every = sorted({name for one in ours.contenders for name in one.versions})
    differing = [name for name in every if len({one.versions.get(name) for one in ours.contenders}) > 1]
    by_name = {one.name: one.versions for one in ours.contenders}
    versions: Columns = {
        "what": lambda name: name,
        **each(by_name, lambda versions, name: versions.get(name, "–")),
    }
    folded = f"Versions that differ ({len(differing)})"
    return ReportPart(
        ID, TITLE, [note(how), changes, table("contenders-versions", "Versions", differing, versions, folded)]
    )
