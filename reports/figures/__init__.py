"""The figures, one per file. To add one: write its file, and name it here."""

from __future__ import annotations

from reports.figures import agreement, batches, smallest

FIGURES = (batches, smallest, agreement)
"""Each has NAME, `rows(groups)` for its data file, `describe(groups)` for its text alternative, and `draw(…)`."""
