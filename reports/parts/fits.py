"""Fixed cost and rate: the two numbers of t(n) = t0 + n/r∞ (Hockney and Jesshope), with their intervals."""

from __future__ import annotations

from functools import partial
from typing import Any

from samegrad.benchmarks.results import units
from samegrad.benchmarks.results.passes import family, plain_first, title
from samegrad.reports import cells
from samegrad.reports.figures import points
from samegrad.reports.figures.frame import MOST
from samegrad.reports.material import Material
from samegrad.reports.part import Block, Columns, Figure, ReportPart, facts, note, table
from samegrad.reports.provenance import footer
from samegrad.reports.records import Fitted

ID, TITLE = "fits", "Fixed cost and rate"
DESCRIBED = {True: "yes", False: "no", None: "–"}
PREAMBLE = "a line does not describe the data: "


def part(material: Material) -> ReportPart | None:
    """A figure and a table for each dtype and device; None without fits."""
    run, blocks = material.run, list[Block]()
    for dtype, device in dict.fromkeys((fit.dtype, fit.device) for fit in run.fits):
        fits = ordered([fit for fit in run.fits if (fit.dtype, fit.device) == (dtype, device)])
        drawn = [fit for fit in fits if family(fit.pass_) == family(fits[0].pass_)]
        blocks.append(
            Figure(
                f"fixed-cost-and-rate-{material.suffix(dtype, device)}",
                partial(
                    points.draw,
                    footer(run),
                    f"Fixed cost per call, and cost per row: {dtype}, {device}",
                    SUBHEADING,
                    _panels(drawn, material),
                    lambda ns: units.time(ns, 1),
                    columns=2,
                ),
                [_row(fit) for fit in fits],
                describe(drawn),
            )
        )
        columns: Columns = {
            "problem": lambda fit: fit.problem,
            "pass": lambda fit: title(fit.pass_),
            "implementation": lambda fit: cells.name(fit.implementation, material.looks),
            "t0": lambda fit: cells.time(fit.fit.t0_ns),
            "interval": lambda fit: cells.times_interval(*fit.t0_ns[1:]),
            "per row": lambda fit: cells.time(fit.fit.per_row_ns),
            "interval of it": lambda fit: cells.times_interval(*fit.per_row_ns[1:]),
            "n½": lambda fit: _half(fit.fit.half_batch),
            "does a line describe the data?": lambda fit: _described(fit),
        }
        caption = f"{TITLE}, {dtype} on {device}"
        blocks.append(table(f"fits-{material.suffix(dtype, device)}", caption, fits, columns, f"Numbers: {caption}"))
    how = """t(n) = t0 + n/r∞: the fixed cost t0 of a call, the cost 1/r∞ of a row, and the batch n½ = t0·r∞ at which
        half of the time is fixed cost (Hockney and Jesshope). Fitted to each launch's medians on relative residuals;
        intervals are Student's t over launches, 95 % each. A ring is where a line does not describe the data."""
    return ReportPart(ID, TITLE, [note(how), *blocks]) if blocks else None


SUBHEADING = "t(n) = t0 + n/r∞, fitted to each launch's medians; a ring where a line does not describe the data."


def ordered(fits: list[Fitted]) -> list[Fitted]:
    """Fits by pass and problem, plain passes first; within one, the smallest fixed cost first."""
    labels = plain_first(fit.pass_ for fit in fits)
    problems = list(dict.fromkeys(fit.problem for fit in fits))
    return sorted(fits, key=lambda fit: (labels.index(fit.pass_), problems.index(fit.problem), fit.fit.t0_ns))


def _panels(fits: list[Fitted], material: Material) -> list[points.PointPanel]:
    """For each pass and problem a panel of the fixed cost, and one of the cost per row."""
    panels = []
    for pass_, problem in dict.fromkeys((fit.pass_, fit.problem) for fit in fits):
        of = [fit for fit in fits if (fit.pass_, fit.problem) == (pass_, problem)][:MOST]
        fixed = [_mark(fit, fit.t0_ns, material) for fit in of]
        each = [_mark(fit, fit.per_row_ns, material) for fit in of]
        panels.append(points.PointPanel(f"{problem} {title(pass_)}: fixed cost t0", fixed, "time per call at no rows"))
        panels.append(points.PointPanel("cost per row 1/r∞", each, "time per row"))
    return panels


def _mark(fit: Fitted, numbers: tuple[float, float, float], material: Material) -> points.Mark:
    look, is_ring = material.looks[fit.implementation], fit.fit.describes is False
    return points.Mark(fit.implementation, look, *numbers, units.time(numbers[0]), is_ring)


def _row(fit: Fitted) -> dict[str, Any]:
    return {
        **facts(fit, "problem pass_ dtype device implementation"),
        **dict(zip(("t0_ns", "t0_low_ns", "t0_high_ns"), fit.t0_ns, strict=True)),
        **dict(zip(("per_row_ns", "per_row_low_ns", "per_row_high_ns"), fit.per_row_ns, strict=True)),
        **{"half_batch": fit.fit.half_batch, "line_describes_the_data": fit.fit.describes},
    }


def describe(fits: list[Fitted]) -> str:
    """The figure in words: fixed cost and cost per row of every implementation, or of many the first and the last."""
    by_case: dict[str, list[str]] = {}
    for fit in fits:
        words = f"{fit.implementation} {units.time(fit.fit.t0_ns)} and {units.time(fit.fit.per_row_ns)} a row"
        by_case.setdefault(f"{fit.problem} {title(fit.pass_)}", []).append(words)
    each = [f"{case}: {', '.join(of if len(of) <= 6 else [of[0], of[-1]])}" for case, of in by_case.items()]
    return f"Fixed cost per call, and cost per row. {'; '.join(each)}."


def _half(batch: float | None) -> cells.Cell:
    return "–" if batch is None else cells.cell(units.about(batch), batch)


def _described(fit: Fitted) -> str:
    word = DESCRIBED[fit.fit.describes]
    return f"{word}: {fit.fit.statement.removeprefix(PREAMBLE)}" if fit.fit.describes is False else word
