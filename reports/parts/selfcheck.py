"""The clock's self-check: what it found of known work under known loads, beside what it promises."""

from __future__ import annotations

from samegrad.benchmarks.documents.selfcheck import MET, MISSED, WITHIN_CHANCE, Finding
from samegrad.benchmarks.results.units import count, minute
from samegrad.reports import cells
from samegrad.reports.material import Material
from samegrad.reports.part import Columns, ReportPart, Table, Text, note, table

ID, TITLE = "selfcheck", "Can the clock be believed?"
COLUMNS: Columns = {
    "what": lambda one: one.what,
    "of": lambda one: one.check,
    "under": lambda one: one.condition,
    "by": lambda one: one.arm,
    "measured": lambda one: cells.cell(one.in_words, one.measured),
    "limits": lambda one: cells.cell(one.limits or "–", css="number"),
    "promised": lambda one: cells.cell(one.promised or "–", css="number"),
    "result": lambda one: cells.judged(one.result or "–", {MET: True, MISSED: False}.get(one.result)),
}


def part(material: Material) -> ReportPart | None:
    """The promises that were not kept, and behind them all others; None without a self-check."""
    check = material.selfcheck
    if check is None or not check.findings:
        return None
    warnings = list(check.warnings)
    if material.runs and material.run.ours.environment.machine != check.environment.machine:
        here, there = material.run.ours.environment.machine, check.environment.machine
        warnings.append(f"Another machine than the run's: {there}; the run was made on {here}.")
    notable = [one for one in check.promises if one.result in (MISSED, WITHIN_CHANCE)]
    notable += [one for one in check.same_against_itself if one not in notable]
    others = [one for one in check.findings if not one.result]
    how = f"samegrad selfcheck{' --quick' if check.quick else ''}, {minute(check.started)}, {count(check.seconds)} s"
    every = f"Numbers: every promise ({len(check.promises)})"
    rest = f"Numbers: what nothing was promised of ({len(others)})"

    def shown(name: str, caption: str, findings: list[Finding], folded: str = "") -> list[Table]:
        return [table(f"selfcheck-{name}", caption, findings, COLUMNS, folded)] if findings else []

    return ReportPart(
        ID,
        TITLE,
        [
            Text(check.summary),
            *(Text(line, "alarm") for line in warnings),
            note(
                f"{how}: known work under known loads, by this suite's clock and by others beside it; limits hold at "
                "95 %. A/A compares the same with itself."
            ),
            *shown("notable", "Promises that were not kept, and the same against itself", notable),
            *shown("promises", "Every promise of the clock beside what it measured", check.promises, every),
            *shown("others", "For comparison", others, rest),
            *(note(f"Not measured: {one.check}: {one.condition}: {one.reason}") for one in check.skipped),
        ],
    )
