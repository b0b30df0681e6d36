"""The page of a material without its files, and what a figure says, for tests of their words."""

from __future__ import annotations

from samegrad.reports import style
from samegrad.reports.figures.frame import encode
from samegrad.reports.page.render import render as rendered
from samegrad.reports.page.svg import inline
from samegrad.reports.parts import parts_of


def render(material):
    """The page of a material."""
    parts = parts_of(material)
    figures = [figure for part in parts for figure in part.figures if figure.on_page]
    with style.applied():
        pictures = {figure.name: inline(figure.draw(), figure.name, figure.words) for figure in figures}
    return rendered(material, parts, pictures)


def words(drawing):
    """All texts of a block's figure, as they are drawn."""
    with style.applied():
        figure = drawing.draw()
        encode(figure, drawing.name, dpi=50)
        texts = figure.findobj(match=lambda artist: hasattr(artist, "get_text"))
    return " ".join(text.get_text() for text in texts).replace("\n", " ")
