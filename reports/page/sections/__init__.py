"""The page's sections, in its order. To add one: write its file (ID, TITLE, TEMPLATE, `data`), and name it here."""

from __future__ import annotations

from reports.page.sections import agreement, cold_start, compared, drift, faults, pairs, survey, times, trust

SECTIONS = (compared, times, cold_start, pairs, agreement, survey, drift, faults, trust)
"""`data(runs)` gives what a section's template needs, or None where the runs have nothing for it."""
