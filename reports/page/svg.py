"""A figure within the page: SVG whose texts are texts, and whose colours follow the page from light to dark."""

from __future__ import annotations

import io
import re
import warnings
from typing import TYPE_CHECKING, Any

from samegrad.reports import style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DARK = "#14181D"
"""The page's background colour in the dark theme."""
PIXELS_PER_POINT = 96 / 72
OF_PAGE = {
    style.INK: "text",
    style.MUTED: "muted",
    style.FAINT: "faint",
    style.BACKGROUND: "paper",
    style.ALARM: "alarm",
}
"""The figures' own colours, and the page's variables in their places."""


def inline(figure: Figure, name: str, words: str) -> str:
    """The figure without heading and footer, which the page has itself; `words` are its text alternative."""
    import matplotlib
    from markupsafe import escape

    for text in figure.texts:
        text.set_visible(False)
    buffer = io.StringIO()
    with matplotlib.rc_context({"svg.fonttype": "none"}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        form: dict[str, Any] = {"format": "svg", "transparent": True, "bbox_inches": "tight", "pad_inches": 0.04}
        figure.savefig(buffer, **form, metadata={"Date": None, "Creator": None})
    for text in figure.texts:
        text.set_visible(True)
    drawn = buffer.getvalue()
    width_pt, height_pt = map(float, re.findall(r'<svg [^>]*?viewBox="0 0 (\S+) (\S+)"', drawn)[0])
    body = drawn[drawn.index("</defs>", drawn.index("<style")) + len("</defs>") :]
    body = re.sub(r'(<g) id="[^"]*"', r"\1", body)
    body = re.sub(r'(id="|url\(#|href="#)', rf"\g<1>{name}-", body).replace("xlink:href", "href")
    body = re.sub("#[0-9a-fA-F]{6}", lambda match: _themed(match[0].upper()), body)
    body = re.sub(r"'DejaVu Sans'[^;\"]*", "sans-serif", body)
    size = f'viewBox="0 0 {width_pt} {height_pt}" width="{width_pt * PIXELS_PER_POINT:.0f}"'
    return f'<svg {size} role="img" aria-label="{escape(words)}">{body}'


def _themed(colour: str) -> str:
    if colour in OF_PAGE:
        return f"var(--{OF_PAGE[colour]})"
    return f"light-dark({colour}, {style.readable(colour, DARK)})"
