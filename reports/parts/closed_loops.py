"""Optimizers in training: whether rounding explains what is between every framework and the textbook."""

from __future__ import annotations

from samegrad.benchmarks.results.units import significant
from samegrad.impls.documents.optimizers import ClosedLoops
from samegrad.reports import cells
from samegrad.reports.material import Material
from samegrad.reports.part import Columns, ReportPart, Text, each, left_out, note, table

ID, TITLE = "closed-loops", "The same optimizers in training"


def part(material: Material) -> ReportPart | None:
    """A row for each problem and optimizer, a column for each implementation; None where nothing was trained."""
    loops = material.closed_loops
    if loops is None or not loops.rows:
        return None
    by_training = {(row.problem, row.optimizer): row for row in loops.rows}
    by_run = {(row.problem, row.optimizer, row.implementation): row for row in loops.rows}

    def times(name: str, key: tuple[str, str]) -> cells.Cell:
        row = by_run.get((*key, name))
        if row is None:
            return "–"
        return cells.judged(
            significant(row.times_shadow, 2), None if loops.is_explained(row) else False, row.times_shadow
        )

    columns: Columns = {
        "problem": lambda key: key[0],
        "optimizer": lambda key: key[1],
        "epochs": lambda key: cells.count(by_training[key].epochs),
        "comparable until": lambda key: cells.count(by_training[key].comparable_until),
        **each(loops.implementations, times),
    }
    how = f"""From samegrad optimizers --closed-loop: each problem's recipe with each optimizer, aligned. Numbers are
        how many times as far from the textbook's parameters as shadows get, whose every gradient is perturbed by one
        rounding; up to {significant(loops.settings.allowed, 2)} times is rounding. Beyond “comparable until” rounding
        is amplified too far to compare."""
    shown = table("closed-loops-table", "Times the shadows", by_training, columns)
    return ReportPart(ID, TITLE, [Text(_verdict(loops)), note(how), shown, *left_out(loops.left_out | loops.failed)])


def _verdict(loops: ClosedLoops) -> str:
    astray = [row for row in loops.rows if not loops.is_explained(row)]
    if not astray:
        return f"Rounding explains what is between all {len(loops.rows)} trainings and the textbook's."
    named = ", ".join(f"{row.problem} with {row.optimizer} by {row.implementation}" for row in astray[:5])
    more = f" and {len(astray) - 5} more" if len(astray) > 5 else ""
    return f"Of {len(loops.rows)} trainings rounding does not explain {len(astray)}: {named}{more}."
