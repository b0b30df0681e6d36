"""Every framework's optimizers beside the textbook's: where they part as shipped and why, and whether they align."""

from __future__ import annotations

import math

from samegrad.benchmarks.results.units import distance
from samegrad.impls.documents.optimizers import OptimizerRow, Optimizers
from samegrad.reports import cells
from samegrad.reports.figures import heat
from samegrad.reports.material import Material
from samegrad.reports.part import Columns, Figure, ReportPart, Text, facts, left_out, note, table

ID, TITLE = "optimizers", "The same optimizers"
FAINTEST = 1e-16
"""The distance with the palest cell; a distance of 1 has the darkest."""


def part(material: Material) -> ReportPart | None:
    """The distances as shipped and aligned, with the reasons; None where no optimizer was followed."""
    document = material.optimizers
    if document is None or not document.rows:
        return None
    looks = material.looks
    grids = [_grid(document, is_aligned=False), _grid(document, is_aligned=True)]
    subheading = "How far any parameter gets from the textbook's at most. Aligned, only rounding is left; red is more."
    named = "implementation optimizer shipped unexplained aligned allowed"
    rows = [facts(row, named) | {"reasons": _reasons(row)} for row in document.rows]
    figure = Figure(
        "optimizers",
        lambda: heat.draw(
            [f"samegrad optimizers · {document.what}"], "Optimizers beside the textbook", subheading, grids, looks
        ),
        rows,
        f"Distances from the textbook's parameters, as shipped and aligned. {_verdict(document)}",
    )
    how = f"""From samegrad optimizers: {document.what}. Distances are the farthest that any parameter gets from the
        textbook's at any step. As shipped: the same learning rate, halved half way, and else each framework's own
        defaults; each reason is put into the textbook alone, and “unexplained” is what remains with all of them.
        Aligned: configured or subclassed to be the textbook's function."""
    columns: Columns = {
        "optimizer": lambda row: row.optimizer,
        "implementation": lambda row: cells.name(row.implementation, looks),
        "parts by": lambda row: cells.small(row.shipped),
        "because (each alone)": lambda row: _reasons(row) or "–",
        "unexplained": lambda row: cells.small(row.unexplained),
        "aligned": lambda row: cells.judged(distance(row.aligned), None if row.is_aligned else False, row.aligned),
        "allowed": lambda row: cells.small(row.allowed),
    }
    by_name = [row for name in document.names for row in document.rows if row.optimizer == name]
    every = f"Numbers: every optimizer ({len(by_name)})"
    shown = table("optimizers-all", "As shipped, and aligned with the textbook", by_name, columns, every)
    return ReportPart(
        ID, TITLE, [Text(_verdict(document)), note(how), figure, shown, *left_out(document.left_out | document.failed)]
    )


def _grid(document: Optimizers, is_aligned: bool) -> heat.Grid:
    """Darker for farther, on a logarithmic scale; an alarm where an aligned optimizer is not the textbook's."""
    values: dict[str, dict[tuple[str, str], heat.Value]] = {name: {} for name in document.implementations}
    for name in document.names:
        for row in (row for row in document.rows if row.optimizer == name):
            far = row.aligned if is_aligned else row.shipped
            share = 1 - math.log10(far) / math.log10(FAINTEST) if far > 0 else 0.0
            is_wrong = is_aligned and not row.is_aligned
            values[row.implementation]["", name] = heat.Value(far, distance(far), None if is_wrong else share)
    return heat.Grid("aligned" if is_aligned else "as shipped", values)


def _reasons(row: OptimizerRow) -> str:
    return "; ".join(f"{reason.reason} ({reason.alone:.1e})" for reason in row.reasons)


def _verdict(document: Optimizers) -> str:
    astray = [f"{row.optimizer} of {row.implementation}" for row in document.rows if not row.is_aligned]
    apart = [row for row in document.rows if row.shipped > row.allowed]
    shipped = f"As shipped, {len(apart)} of {len(document.rows)} are another function than the textbook's"
    if astray:
        return f"{shipped}; aligned, {', '.join(astray)} still {'is' if len(astray) == 1 else 'are'}."
    return f"{shipped}; aligned, all are the textbook's, to the last digits."
