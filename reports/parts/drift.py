"""Drift: how far training leads each implementation from float64, beside shadows that only round."""

from __future__ import annotations

from samegrad.benchmarks.results.units import minute, significant
from samegrad.impls.documents.agreement import AgreementDocument, DriftRow
from samegrad.reports import cells
from samegrad.reports.figures import curves
from samegrad.reports.figures.frame import MOST
from samegrad.reports.material import Material
from samegrad.reports.part import Columns, Figure, ReportPart, Text, facts, note, table

ID, TITLE = "drift", "Training together"


def part(material: Material) -> ReportPart | None:
    """A panel for each problem and dtype, and the table of all steps; None without drift."""
    agreement = material.agreement
    if agreement is None or not agreement.distances:
        return None
    columns: Columns = {
        "implementation": lambda row: cells.name(row.implementation, material.looks),
        "problem": lambda row: row.problem,
        "dtype": lambda row: row.dtype,
        "step": lambda row: cells.count(row.step),
        "distance": lambda row: cells.small(row.distance),
        "in": lambda row: row.tensor,
        "times the farthest shadow": lambda row: cells.number(row.times_shadow),
        "explained by rounding": lambda row: cells.explained(row.explained),
    }
    farthest = {"implementation": "farthest shadow", "times_shadow": 1.0}
    rows = [facts(row, "problem dtype step implementation distance times_shadow") for row in agreement.distances]
    rows += [facts(row, "problem dtype step") | farthest | {"distance": row.largest} for row in agreement.shadows]
    panels = panels_of(agreement)
    figure = Figure(
        "drift",
        lambda: curves.draw(
            [f"samegrad agree · {minute(agreement.date)}"],
            "Training together: distance from float64",
            "Farthest parameter after so many steps. Grey: the median to the farthest of shadows, which only round.",
            panels,
            material.looks,
            x="steps of training",
            y_format=lambda value: f"{value:.0e}",
        ),
        rows,
        _describe(panels),
    )
    how = """The farthest parameter from the same training in float64, plain gradient descent from the same weights. The
        grey band reaches from the median to the farthest of ten shadows: trainings without an error, whose every
        gradient is perturbed by one rounding. A distance of 0 is at the bottom edge."""
    shown = table("drift-table", "Distance from float64", agreement.distances, columns, "Numbers: drift")
    return ReportPart(ID, TITLE, [Text(_verdict(agreement.distances)), figure, note(how), shown])


def panels_of(agreement: AgreementDocument) -> list[curves.CurvePanel]:
    """A panel for each problem and dtype, with the shadows' band."""
    cases = dict.fromkeys((row.problem, row.dtype) for row in agreement.distances)
    panels = []
    for case in cases:
        lines: dict[str, list[curves.Point]] = {}
        for row in sorted(agreement.distances, key=lambda row: row.step):
            if (row.problem, row.dtype) == case:
                lines.setdefault(row.implementation, []).append((row.step, row.distance, row.distance, row.distance))
        shadows = [row for row in agreement.shadows if (row.problem, row.dtype) == case]
        band = [(row.step, row.median, row.largest) for row in sorted(shadows, key=lambda row: row.step)]
        panels.append(curves.CurvePanel(" · ".join(case), "distance (no unit)", dict(list(lines.items())[:MOST]), band))
    return panels


def _describe(panels: list[curves.CurvePanel]) -> str:
    """The figure in words: who is farthest at each panel's last step, and how far the shadows are."""
    each = []
    for panel in panels:
        name, line = max(panel.lines.items(), key=lambda item: item[1][-1][1])
        shadow = f", the farthest shadow {panel.band[-1][2]:.1e}" if panel.band else ""
        each.append(f"{panel.title} after {line[-1][0]:,} steps: at most {line[-1][1]:.1e} ({name}){shadow}")
    return f"Distance from float64 as training goes on, logarithmic axes. {'; '.join(each)}."


def _verdict(distances: list[DriftRow]) -> str:
    astray = list(dict.fromkeys(row.implementation for row in distances if not row.explained))
    most = max(row.times_shadow for row in distances)
    if astray:
        return f"Rounding does not explain how far {', '.join(astray)} went: there is an error of its own."
    return f"Rounding explains all of it: the farthest went {significant(most, 2)} times as far as the shadows."
