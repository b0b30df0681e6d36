"""What a notebook shows of a report: one piece of HTML that needs nothing else and takes the notebook's own colours."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from samegrad.impls.verifying import render

if TYPE_CHECKING:
    from jinja2 import Template

    from samegrad.impls.verifying.report import Report

COLOURS = {"RIGHT": "right", "WRONG": "wrong", "CANNOT TELL": "cannot"}
"""The verdict as a class of the style sheet."""


def html(report: Report) -> str:
    """The report as HTML: the verdict, the evidence, the equation, the table; everything in it is escaped."""
    report = render.as_shown(report)
    word, sentence = render.verdict(report)
    headings, lines = render.table(report) if report.rows else ([], [])
    return _template().render(
        word=word,
        sentence=sentence,
        colour=COLOURS[word],
        details=render.details(report),
        fits=[(render.sentence(named.title), named.equation) for named in report.mistakes[1 : render.SHOWN]],
        headings=headings,
        lines=lines,
        notes=render.notes(report),
        probes=render.probes(report) if report.rows else "",
        legend=render.LEGEND if report.rows and not render.without_taus(report) else "",
        advice=report.advice,
        traceback=report.traceback,
    )


@cache
def _template() -> Template:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    return environment.get_template("page.html.j2")
