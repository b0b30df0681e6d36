"""The survey of `samegrad agree`: τ over problems, dtypes, scales of the parameters and seeds."""

from __future__ import annotations

from samegrad.benchmarks.results.units import minute
from samegrad.impls.documents.agreement import AgreeRow
from samegrad.reports import cells
from samegrad.reports.figures import heat
from samegrad.reports.material import Material
from samegrad.reports.part import Columns, ReportPart, Text, left_out, note, table
from samegrad.reports.parts.agreement import tau_grid, tau_in_words

ID, TITLE = "survey", "The same gradients at any scale"


def part(material: Material) -> ReportPart | None:
    """The grid of the largest τ by scale, and the table of all rows; None without a survey."""
    survey = material.agreement
    if survey is None or not survey.taus:
        return None
    taus = ((row.implementation, (f"{row.problem}, {row.dtype}", f"×{row.scale:g}"), row.worst) for row in survey.taus)
    columns: Columns = {
        "implementation": lambda row: cells.name(row.implementation, material.looks),
        "problem": lambda row: row.problem,
        "dtype": lambda row: row.dtype,
        "scale": lambda row: cells.number(row.scale),
        "pass": lambda row: row.pass_,
        "tensor": lambda row: row.tensor,
        "τ": lambda row: cells.cell(tau_in_words(row.worst), row.worst),
        "median ULP": lambda row: cells.number(row.error_ulp_median),
        "worst ULP": lambda row: cells.number(row.error_ulp_worst),
    }
    seeds = len(survey.agree.settings.seeds)
    how = f"""From samegrad agree, {minute(survey.date)}: the largest τ over {seeds} seed{"" if seeds == 1 else "s"},
        passes and tensors, by the scale of the initial parameters. At scale 1 units work in their middle, at 10 many
        are saturated, at 100 nearly all."""
    title = "Largest τ by problem, dtype and scale"
    by_scale = heat.as_table("survey-table", title, tau_grid(title, taus), material.looks)
    caption = "τ and error in units in the last place (ULP), the worst over the seeds"
    every = table("survey-all", caption, survey.taus, columns, f"Numbers: every tensor ({len(survey.taus)})")
    return ReportPart(ID, TITLE, [Text(_verdict(survey.taus)), note(how), by_scale, every, *left_out(survey.left_out)])


def _verdict(taus: list[AgreeRow]) -> str:
    apart = [tau for tau in taus if tau.worst > 1]
    worst = max(taus, key=lambda tau: tau.worst)
    where = f"{worst.implementation}, {worst.tensor} of {worst.problem} {worst.pass_}, {worst.dtype}, ×{worst.scale:g}"
    if not apart:
        return f"All {len(taus)} agree; the largest τ is {tau_in_words(worst.worst)} ({where})."
    names = ", ".join(dict.fromkeys(tau.implementation for tau in apart))
    return f"{len(apart)} of {len(taus)} disagree ({names}); the largest τ is {tau_in_words(worst.worst)} ({where})."
