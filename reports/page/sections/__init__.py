"""The page's sections, in its order. To add one: write its file (ID, TITLE, TEMPLATE, `data`), and name it here."""

from __future__ import annotations

from reports.page.sections import (
    agreement,
    cold_start,
    compared,
    drift,
    faults,
    fits,
    ladder,
    pairs,
    survey,
    times,
    training,
    trust,
)

SECTIONS = (compared, times, ladder, cold_start, fits, pairs, agreement, survey, drift, training, faults, trust)
"""`data(material)` gives what a section's template needs, or None where the material has nothing for it."""
