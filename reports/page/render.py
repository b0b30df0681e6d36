"""Putting the page together: the answer on top, the sections that have data, style and scripts inside."""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path
from typing import Any

from samegrad.reports import style
from samegrad.reports.answer import answer
from samegrad.reports.material import Material
from samegrad.reports.page.cells import colour_class
from samegrad.reports.page.sections import SECTIONS
from samegrad.reports.provenance import doubts, footer

HERE = Path(__file__).parent
SCRIPTS = ("units.js", "tables.js", "axes.js", "lines.js", "curves.js", "panels.js", "theme.js")
OF_TIMES = ("chart.js", "across.js", "pairs.js")
"""Scripts that draw from the data of the section `times`; left out without that section."""


def render(material: Material) -> str:
    """Render the last run as HTML, with the changes since earlier runs and with the other documents that were given.

    A section without data is left out. Every text from a run file is escaped by the template engine.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    run = material.run
    shown: list[dict[str, Any]] = []
    for section in SECTIONS:
        data = section.data(material)
        if data is not None:
            body = environment.from_string(IMPORTS + section.TEMPLATE).render(id=section.ID, **data)
            shown.append({"id": section.ID, "title": section.TITLE, "body": body})
    scripts = SCRIPTS + (OF_TIMES if any(section["id"] == "times" for section in shown) else ())
    script = '"use strict";\n' + "\n".join((HERE / name).read_text(encoding="utf-8") for name in scripts)
    return environment.get_template("page.html").render(
        title=f"{run.path.name}: what each framework costs",
        answer=[marked(sentence, material) for sentence in answer(run)],
        doubts=doubts(run),
        footer=[line for line in footer(run) if not line.startswith("NOISY")],
        sections=shown,
        files=[path.name for path in material.paths],
        css=(HERE / "page.css").read_text(encoding="utf-8") + _colours(material),
        script=script,
        script_sha256=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    )


def marked(sentence: str, material: Material) -> list[tuple[str, str]]:
    """The sentence in pieces, each with the class of its colour: that of an implementation where it is named."""
    names = sorted((name for name in material.looks if name), key=len, reverse=True)
    pieces = re.split(f"({'|'.join(map(re.escape, names))})", sentence) if names else [sentence]
    looks = material.looks
    return [(piece, f"name {colour_class(looks[piece].colour)}" if piece in looks else "") for piece in pieces if piece]


IMPORTS = '{% from "macros.html" import table, choices, data_link, forest %}\n'
DARK = "#14181D"


def _colours(material: Material) -> str:
    """A class per colour of the figures, for lines and for text, on light and on dark."""
    used = {look.colour for look in material.looks.values()}
    return "\n" + "\n".join(
        f".{colour_class(colour)} {{ --line: light-dark({style.readable(colour, style.BACKGROUND, 3)}, "
        f"{style.readable(colour, DARK, 3)}); --ink: light-dark({style.readable(colour, style.BACKGROUND)}, "
        f"{style.readable(colour, DARK)}); }}"
        for colour in sorted(used)
    )
