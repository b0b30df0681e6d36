"""The page's sections, in its order. To add one: write its file (ID, TITLE, TEMPLATE, `data`), and name it here."""

from __future__ import annotations

from samegrad.reports.page.sections import (
    agreement,
    call_cost,
    closed_loops,
    cold_start,
    compared,
    drift,
    faults,
    fits,
    goals,
    ladder,
    optimizers,
    pairs,
    selfcheck,
    sharpness,
    survey,
    times,
    training,
    trust,
    variants,
)

SECTIONS = (
    *(compared, times, variants, ladder, goals, call_cost, cold_start, fits, pairs),
    *(agreement, survey, sharpness, drift, training, optimizers, closed_loops, faults, selfcheck, trust),
)
"""`data(material)` gives what a section's template needs, or None where the material has nothing for it."""
