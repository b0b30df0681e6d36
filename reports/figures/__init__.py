"""The figures, one per file. To add one: write its file, and name it here."""

from __future__ import annotations

from samegrad.reports.figures import agreement, batches, cold_start, drift, fits, ladder, smallest, training

__all__ = ["FIGURES", "cold_start", "drift", "fits", "ladder", "training"]

FIGURES = (batches, smallest, agreement)
"""Drawn of a run's groups, once per dtype and device; the others are drawn of other parts.

Each has NAME, `rows(…)` for its data file, `describe(…)` for its text alternative, and `draw(…)`, which gives None
where there is nothing to draw.
"""
