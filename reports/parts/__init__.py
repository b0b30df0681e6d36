"""The parts of a report, in the page's order. To add one: a file with `part(material)`, and its name here."""

from __future__ import annotations

from samegrad.reports.material import Material
from samegrad.reports.part import ReportPart
from samegrad.reports.parts import (
    agreement,
    call_cost,
    closed_loops,
    cold_start,
    compared,
    contenders,
    drift,
    faults,
    fits,
    goals,
    ladder,
    machines,
    optimizers,
    pairs,
    selfcheck,
    series,
    sharpness,
    study,
    survey,
    threads,
    times,
    training,
    trust,
    variants,
)

PARTS = (
    *(machines, contenders, times, series.WIDTHS, series.NETWORKS, threads, pairs, compared, variants),
    *(ladder, call_cost, cold_start, fits),
    *(agreement, survey, drift, training, study, optimizers, closed_loops, faults),
    *(trust, selfcheck, sharpness, goals),
)
"""What was measured comes first, then whether it may be believed, and the project's own goals last."""


def parts_of(material: Material) -> list[ReportPart]:
    """Every part that the material has data for."""
    made = (kind.part(material) for kind in PARTS)
    return [part for part in made if part is not None]
