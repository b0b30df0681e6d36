"""The figures, one per file. To add one: write its file, and name it here."""

from __future__ import annotations

from reports.figures import agreement, batches, drift, smallest

__all__ = ["FIGURES", "drift"]

FIGURES = (batches, smallest, agreement)
"""What is drawn of a run; `drift` is drawn of an agreement.

Each has NAME, `rows(groups)` for its data file, `describe(groups)` for its text alternative, and `draw(…)`."""
