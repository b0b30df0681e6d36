"""Several runs: what became faster or slower, whether like was compared with like, and all runs side by side."""

from __future__ import annotations

from collections.abc import Sequence

from samegrad.benchmarks.results import passes, units
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
    notes = compare.updated(before, after) + compare.missing(before, after)
    how = "Intervals hold at 95 % for all cases of the table together (Welch, Bonferroni)."
    return [
        Heading(title),
        *(Text(f"Not like with like: {line}", "alarm") for line in compare.unlike(before, after)),
        Items([(line, (), "") for line in notes]),
        Text(compare.summary(changes) if changes else "These two runs have no case in common."),
        note(f"{compare.scale_used(before, after)} {how}"),
        table(f"compared-{number}", title, changes, columns, f"Numbers: {title}"),
    ]


def _names(runs: Sequence[StoredRun]) -> list[str]:
    """The name of each run: its number with its day, or with its time where all are of one day."""
    dates = [units.minute(run.date) for run in runs]
    is_one_day = len({date[:10] for date in dates}) == 1
    return [f"{n}: {(date[11:] or date) if is_one_day else date[:10]}" for n, date in enumerate(dates, start=1)]


def _by_case(runs: Sequence[StoredRun]) -> dict[tuple[str, str, int, str, str], list[GroupTimes | None]]:
    """The group in every run of each problem, pass, batch, dtype and device; None where it was not measured."""
    by_case: dict[tuple[str, str, int, str, str], list[GroupTimes | None]] = {}
    for place, run in enumerate(runs):
        for group in run.groups:
            by_case.setdefault(group.key, [None] * len(runs))[place] = group
    return by_case


def _side_by_side(material: Material) -> Table:
    """Every case's median in every run."""
    by_case = _by_case(material.compared)
    rows = [
        (name, next(filter(None, of)), [group and group.case(name) for group in of])
        for of in by_case.values()
        for name in material.looks
        if any(group and group.case(name) for group in of)
    ]
    columns: Columns = {
        "implementation": lambda row: cells.name(row[0], material.looks),
        "problem": lambda row: row[1].problem,
        "pass": lambda row: passes.title(row[1].pass_),
        "batch": lambda row: cells.count(row[1].batch),
        "computed in": lambda row: row[1].setting,
        **each(
            {f"run {name}": place for place, name in enumerate(_names(material.compared))},
            lambda place, row: cells.time(row[2][place] and row[2][place].median_ns),
        ),
    }
    return table("side-by-side", "Medians in every run", rows, columns, "Numbers: side by side")


def _figure(material: Material) -> Figure:
    """The figure of each problem's and pass's smallest batch in every run: several machines, or one over time."""
    runs, panels, rows = material.compared, list[curves.CurvePanel](), list[dict[str, object]]()
    shown, left_out = drawn([group for run in runs for group in run.groups])
    done = set[tuple[str, ...]]()
    for (problem, pass_, _, dtype, device), of in sorted(_by_case(runs).items(), key=lambda item: item[0][2]):
        if (problem, pass_, dtype, device) in done or passes.split(pass_)[1]:
            continue
        done.add((problem, pass_, dtype, device))
        lines: dict[str, list[curves.Point]] = {}
        cases = [(place, group, case) for place, group in enumerate(of) if group for case in group.cases]
        for place, _, case in (entry for entry in cases if entry[2].implementation in shown):
            lines.setdefault(case.implementation, []).append((place, case.median_ns, *case.spread_ns))
        rows += [
            {"run": place + 1, **group.facts, "implementation": case.implementation, "median_ns": case.median_ns}
            for place, group, case in cases
        ]
        panels.append(curves.CurvePanel(cases[0][1].where, "time per call", lines))
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
