"""Several runs: what became faster or slower, whether like was compared with like, and all runs side by side."""

from __future__ import annotations

from collections.abc import Sequence

from samegrad.benchmarks.results import passes, units
from samegrad.benchmarks.results.verdict import FASTER, SLOWER
from samegrad.reports import cells, compare, provenance
from samegrad.reports.figures import curves
from samegrad.reports.figures.frame import drawn
from samegrad.reports.material import Material
from samegrad.reports.part import Block, Columns, Figure, Heading, Items, ReportPart, Table, Text, each, note, table
from samegrad.reports.records import GroupTimes, StoredRun

ID, TITLE = "compared", "Compared with other runs"


def part(material: Material) -> ReportPart | None:
    """The earlier runs against the last; None for a single run."""
    runs = material.compared
    if len(runs) < 2 or not material.run.groups:
        return None
    columns: Columns = {
        "run": lambda run: str(runs.index(run) + 1),
        "date": lambda run: units.minute(run.date),
        "machine": lambda run: run.ours.environment.machine,
        "threads": provenance.threads,
        "rounds": provenance.rounds,
        "noisy": lambda run: cells.judged("yes", False) if run.ours.noise.noisy else "no",
        "file": lambda run: run.path.name,
    }
    blocks: list[Block] = [table("runs", "The runs; the last is the one that the page is about", runs, columns)]
    for number in range(1, len(runs)):
        blocks += _changes(number, material)
    return ReportPart(ID, TITLE, [*blocks, Heading("Side by side"), _figure(material), _side_by_side(material)])


def _changes(number: int, material: Material) -> list[Block]:
    """The changes from run `number` (the first is 1) to the last."""
    before, after = material.compared[number - 1], material.run
    changes = compare.slowest_first(compare.changes(before, after))
    title = f"From run {number} to run {len(material.compared)}"
    columns: Columns = {
        "implementation": lambda change: cells.name(change.implementation, material.looks),
        "problem": lambda change: change.group.problem,
        "pass": lambda change: passes.title(change.group.pass_),
        "batch": lambda change: cells.count(change.group.batch),
        "computed in": lambda change: change.group.setting,
        "before": lambda change: cells.time(change.before_ns),
        "after": lambda change: cells.time(change.after_ns),
        "after / before": lambda change: cells.ratio(change.comparison.ratio),
        "interval": lambda change: cells.interval(change.comparison.low, change.comparison.high),
        "became": lambda change: cells.verdict(change.word or "no verdict"),
    }
    resolved = [change for change in changes if change.word in (FASTER, SLOWER)]
    shown = [table(f"resolved-{number}", "What became faster or slower", resolved, columns)] if resolved else []
    notes = compare.updated(before, after) + compare.missing(before, after)
    how = "Intervals hold at 95 % for all cases of the table together (Welch, Bonferroni)."
    return [
        Heading(title),
        *(Text(f"Not like with like: {line}", "alarm") for line in compare.unlike(before, after)),
        Items([(line, (), "") for line in notes]),
        Text(compare.summary(changes) if changes else "These two runs have no case in common."),
        note(f"{compare.scale_used(before, after)} {how}"),
        *shown,
        table(f"compared-{number}", title, changes, columns, f"Numbers: {title}"),
    ]


def _names(runs: Sequence[StoredRun]) -> list[str]:
    """The name of each run: its number with its day, or with its time where all are of one day."""
    dates = [units.minute(run.date) for run in runs]
    is_one_day = len({date[:10] for date in dates}) == 1
    return [f"{n}: {(date[11:] or date) if is_one_day else date[:10]}" for n, date in enumerate(dates, start=1)]


def _by_case(runs: Sequence[StoredRun]) -> list[dict[int, GroupTimes]]:
    """Of each problem, pass, batch, dtype and device the groups of the runs that measured it, by the run's place."""
    by_case: dict[object, dict[int, GroupTimes]] = {}
    for place, run in enumerate(runs):
        for group in run.groups:
            by_case.setdefault(group.key, {})[place] = group
    return list(by_case.values())


def _side_by_side(material: Material) -> Table:
    """Every case's median in every run."""
    rows = [
        (name, next(iter(of.values())), medians_ns)
        for of in _by_case(material.compared)
        for name in material.looks
        if (medians_ns := {at: case.median_ns for at, group in of.items() if (case := group.case(name))})
    ]
    columns: Columns = {
        "implementation": lambda row: cells.name(row[0], material.looks),
        "problem": lambda row: row[1].problem,
        "pass": lambda row: passes.title(row[1].pass_),
        "batch": lambda row: cells.count(row[1].batch),
        "computed in": lambda row: row[1].setting,
        **each(
            {f"run {name}": place for place, name in enumerate(_names(material.compared))},
            lambda place, row: cells.time(row[2].get(place)),
        ),
    }
    return table("side-by-side", "Medians in every run", rows, columns, "Numbers: side by side")


def _figure(material: Material) -> Figure:
    """The figure of each problem's and pass's smallest batch in every run: several machines, or one over time."""
    runs, panels, rows = material.compared, list[curves.CurvePanel](), list[dict[str, object]]()
    shown, left_out = drawn([group for run in runs for group in run.groups])
    smallest: dict[object, dict[int, GroupTimes]] = {}
    for of in sorted(_by_case(runs), key=lambda of: next(iter(of.values())).batch):
        first = next(iter(of.values()))
        if not passes.split(first.pass_)[1]:
            smallest.setdefault((first.problem, first.pass_, first.dtype, first.device), of)
    for of in smallest.values():
        lines: dict[str, list[curves.Point]] = {}
        for place, group in of.items():
            for case in group.cases:
                name, median_ns = case.implementation, case.median_ns
                rows.append({"run": place + 1, **group.facts, "implementation": name, "median_ns": median_ns})
                if name in shown:
                    lines.setdefault(name, []).append((place, median_ns, *case.spread_ns))
        panels.append(curves.CurvePanel(next(iter(of.values())).where, "time per call", lines))
    return Figure(
        "runs-side-by-side",
        lambda: curves.draw(
            provenance.footer(material.run),
            "Runs side by side",
            f"Medians at the smallest batch, with the 10th to the 90th percentile.{left_out}",
            panels,
            material.looks,
            x="run",
            y_format=lambda ns: units.time(ns, 1),
            is_log=False,
            x_names=_names(runs),
        ),
        rows,
        f"Medians at the smallest batch in runs {', '.join(_names(runs))}; the table has them all.",
    )
