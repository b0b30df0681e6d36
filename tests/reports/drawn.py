"""What a figure says, for tests of its words."""

from __future__ import annotations

from samegrad.reports import style
from samegrad.reports.figures.frame import encode


def words(drawing):
    """All texts of a block's figure, as they are drawn."""
    with style.applied():
        figure = drawing.draw()
        encode(figure, drawing.name, dpi=50)
        texts = figure.findobj(match=lambda artist: hasattr(artist, "get_text"))
    return " ".join(text.get_text() for text in texts).replace("\n", " ")
