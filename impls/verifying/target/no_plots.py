"""A backend of matplotlib that draws nothing and writes no file: a target that plots its training does so unseen."""

from __future__ import annotations

from typing import Any

from matplotlib.backend_bases import FigureCanvasBase, FigureManagerBase


class FigureCanvas(FigureCanvasBase):
    """A canvas on which nothing is drawn."""

    def print_figure(self, *arguments: Any, **options: Any) -> None:
        """Write no file."""


FigureManager = FigureManagerBase
