"""Do more threads help: each implementation's time with several over its time with one, by batch."""

from __future__ import annotations

from samegrad.benchmarks.results import passes, threads, units
from samegrad.benchmarks.results.threads import Effect
from samegrad.reports import cells
from samegrad.reports.material import Material
from samegrad.reports.part import Block, Columns, ReportPart, Text, each, note, table
from samegrad.reports.records import GroupTimes

ID, TITLE = "threads", "With more threads"
HOW = """Time with several threads over the time with one, with Student's t-intervals over launches that hold for a
table together; the two were timed in different rounds."""

Key = tuple[str, str, str, str]
"""A problem, pass, dtype and device."""


def part(material: Material) -> ReportPart | None:
    """One table per problem, pass, dtype and device; None where there was one number of threads alone."""
    by_key: dict[Key, list[GroupTimes]] = {}
    for group in material.run.groups:
        key = group.problem, passes.title(group.pass_), group.dtype, group.device.partition(",")[0]
        by_key.setdefault(key, []).append(group)
    blocks: list[Block] = []
    for number, (key, groups) in enumerate(by_key.items(), start=1):
        times = {(group.threads, group.batch): group.times_ns for group in groups}
        if effects := threads.effects(times, groups[0].margin):
            blocks += _table(key, effects, f"threads-{number}", material)
    return ReportPart(ID, TITLE, [note(HOW), *blocks]) if blocks else None


def _table(key: Key, effects: list[Effect], name: str, material: Material) -> list[Block]:
    """The sentence and the table of a problem's pass."""
    problem, pass_, dtype, device = key
    cell = {(e.implementation, e.threads, e.batch): cells.lines(e.ratio, e.word) for e in effects}
    places = dict.fromkeys((effect.threads, effect.batch) for effect in effects)
    headings = {f"{count} threads, batch {units.count(batch)}": (count, batch) for count, batch in places}
    columns: Columns = {
        "implementation": lambda one: cells.name(one, material.looks),
        **each(headings, lambda place, one: cell.get((one, *place), "–")),
    }
    names = [one for one in material.looks if any(effect.implementation == one for effect in effects)]
    title = f"{problem} {pass_}, {dtype} on {device}"
    return [Text(threads.sentence(f"{problem} {pass_}", effects)), table(name, title, names, columns)]
