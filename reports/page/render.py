"""Putting the page together: the answer on top, the parts that have data, style and scripts inside."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from samegrad.reports import style
from samegrad.reports.answer import answer
from samegrad.reports.cells import colour_class
from samegrad.reports.machines import headline, merge
from samegrad.reports.material import Material
from samegrad.reports.page.svg import DARK
from samegrad.reports.part import ReportPart
from samegrad.reports.provenance import doubts, origin

HERE = Path(__file__).parent
SCRIPTS = ("units.js", "tables.js", "theme.js")
OF_TIMES = ("axes.js", "lines.js", "chart.js", "pairs.js")
"""The scripts that draw from the data of the part `times`; left out without that part."""


def render(material: Material, parts: Sequence[ReportPart], pictures: Mapping[str, str]) -> str:
    """Render the last run as HTML, with the changes since earlier runs and with the other documents that were given.

    parts, pictures: those of the material, and each of their figures as inline SVG. Every text from a run file is
    escaped by the template engine.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    body = environment.from_string(BLOCKS)

    def blocks(of: Sequence[Any]) -> str:
        return body.render(blocks=of, pictures=pictures, markup=markup, inner=blocks)

    def markup(block: Any) -> str:
        return environment.from_string(IMPORTS + block.template).render(**block.data)

    run = material.run
    scripts = SCRIPTS + (OF_TIMES if any(part.id == "times" for part in parts) else ())
    script = '"use strict";\n' + "\n".join((HERE / name).read_text(encoding="utf-8") for name in scripts)
    return environment.get_template("page.html").render(
        title=f"{run.path.name}: what each framework costs",
        answer=[marked(sentence, material) for sentence in [*over_machines(material), *answer(run)]],
        doubts=doubts(run),
        origin=origin(run),
        sections=[{"id": part.id, "title": part.title, "body": blocks(part.blocks)} for part in parts],
        files=[path.name for path in material.paths],
        css=(HERE / "page.css").read_text(encoding="utf-8") + _colours(material),
        script=script,
        script_sha256=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    )


def over_machines(material: Material) -> list[str]:
    """What holds on all machines at the smallest batch; nothing for one machine."""
    first = headline(merge(material.machines))[:1]
    return [
        sentence for group in first if len(group.machines) > 1 for sentence in [f"{group.title}:", *group.sentences]
    ]


def marked(sentence: str, material: Material) -> list[tuple[str, str]]:
    """The sentence in pieces, each with the class of its colour: that of an implementation where it is named."""
    names = sorted((name for name in material.looks if name), key=len, reverse=True)
    pieces = re.split(f"({'|'.join(map(re.escape, names))})", sentence) if names else [sentence]
    looks = material.looks
    return [(piece, f"name {colour_class(looks[piece].colour)}" if piece in looks else "") for piece in pieces if piece]


IMPORTS = '{% from "macros.html" import table, choices, data_link %}\n'
BLOCKS = (
    '{% from "macros.html" import block %}{% for one in blocks %}{{ block(one, pictures, markup, inner) }}{% endfor %}'
)


def _colours(material: Material) -> str:
    """A class per colour of the figures, for lines and for text, on light and on dark."""
    used = {look.colour for look in material.looks.values()}
    return "\n" + "\n".join(
        f".{colour_class(colour)} {{ --line: light-dark({style.readable(colour, style.BACKGROUND, 3)}, "
        f"{style.readable(colour, DARK, 3)}); --ink: light-dark({style.readable(colour, style.BACKGROUND)}, "
        f"{style.readable(colour, DARK)}); }}"
        for colour in sorted(used)
    )
