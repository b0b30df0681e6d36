"""A report for the terminal, for a notebook (HTML that needs nothing else and takes its colours), and as JSON.

Of a mistake in a report that is a hint only the equation to look at is shown, wherever it is shown.
"""

from __future__ import annotations

import dataclasses
import io
import json
import math
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console, Group, RenderableType
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from samegrad.impls.verifying.wording import UNKNOWN, WRONG, listed

if TYPE_CHECKING:
    from jinja2 import Template

    from samegrad.impls.verifying.report import Report

LEGEND = "τ = |yours − right| / rounding bound, at its worst; up to 1 is right."
SHOWN = 4
"""Explanations that are spelt out; what fits beyond these is counted."""
LINES = 12
"""The most lines of the brief form."""


def render(report: Report) -> RenderableType:
    """The report for a terminal of 80 columns: what it rests on, then the verdict, then what to do."""
    report = report.as_shown()
    parts: list[RenderableType] = []
    if report.traceback:
        parts += [Text(report.traceback), Text()]
    if report.rows:
        if line := probes(report):
            parts += [Text(line), Text()]
        parts += [_table(report), *([] if without_taus(report) else [Text(LEGEND, style="dim")]), Text()]
    parts.append(_verdict(report))
    if explanation := details(report):
        parts += [Text(), *(_item(*entry) for entry in explanation)]
    for number, (title, equation) in enumerate(others(report)):
        parts += [Text(), Text("What else fits just as well:")] if not number else []
        parts.append(Padding(Text(f"{title} ({'; '.join(equation.splitlines())})"), (0, 0, 0, 2)))
    if len(report.mistakes) > SHOWN:
        parts.append(Text(f"  and {len(report.mistakes) - SHOWN} more (see --json)"))
    if remarks := notes(report):
        parts += [Text(), *(_item("Note", note) for note in remarks)]
    if report.advice:
        parts += [Text(), Text(report.advice)]
    return Group(*parts)


def show(report: Report, console: Console | None = None) -> None:
    """Print the report."""
    (console or Console(highlight=False)).print(render(report), soft_wrap=False)


def brief(report: Report) -> str:
    """The report in at most LINES lines of plain text, the verdict first."""
    report = report.as_shown()
    parts: list[RenderableType] = [_verdict(report), *(_item(*entry) for entry in details(report))]
    fits = [named.title for named in report.mistakes[1:]]
    parts += [_item("Or else", sentence("; or ".join(fits)))] if fits else []
    parts += [_item("Note", note) for note in notes(report)]
    parts += [Text(report.advice)] if report.advice else []
    lines = plain(Group(*parts)).splitlines()
    if len(lines) <= LINES:
        return "\n".join(lines)
    return "\n".join([*lines[: LINES - 1], "… (print() shows all of it)"])


def plain(shown: RenderableType) -> str:
    """A text of 80 columns without colours, wherever it is printed."""
    out = io.StringIO()
    console = Console(
        file=out, width=80, color_system=None, force_terminal=False, force_jupyter=False, highlight=False, emoji=False
    )
    console.print(shown, soft_wrap=False)
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines())


def to_json(report: Report) -> str:
    """The report for machines; a τ that is not finite (a wrong shape, or one that is not to be shown) is null."""
    report = report.as_shown()
    content: dict[str, Any] = {**dataclasses.asdict(report), "exit_code": report.exit_code, "format": 2}
    for row, as_dictionary in zip(report.rows, content["rows"], strict=True):
        as_dictionary["right"] = row.right
    finite = json.loads(json.dumps(content), parse_constant=lambda name: None)
    return json.dumps(finite, ensure_ascii=False, indent=2)


def html(report: Report) -> str:
    """The report as HTML: the verdict, the evidence, the equation, the table; everything in it is escaped."""
    report = report.as_shown()
    word, text = verdict(report)
    headings, lines = table(report) if report.rows else ([], [])
    return _template().render(
        word=word,
        sentence=text,
        colour=word.split()[0].lower(),
        details=details(report),
        fits=others(report),
        headings=headings,
        lines=lines,
        notes=notes(report),
        probes=probes(report) if report.rows else "",
        legend=LEGEND if report.rows and not without_taus(report) else "",
        advice=report.advice,
        traceback=report.traceback,
    )


@cache
def _template() -> Template:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    return environment.get_template("report.html.j2")


def probes(report: Report) -> str:
    """ "Probes: 4-5-3, tanh and sigmoid; batches of 7, 1 and 2 rows; float64."; "" where there were none."""
    if not report.sizes:
        return ""
    parts = [", ".join(filter(None, ("-".join(map(str, report.sizes)), " and ".join(report.activations))))]
    if report.batches:
        parts.append(f"batches of {listed(report.batches)} {'row' if report.batches == (1,) else 'rows'}")
    return f"Probes: {'; '.join([*parts, report.dtype])}."


def without_taus(report: Report) -> bool:
    """Does the table only show whether each gradient is right or wrong?"""
    return report.hint and report.verdict == WRONG


def table(report: Report) -> tuple[list[str], list[list[str]]]:
    """The table's headings, and of each gradient the cells; the last one is the verdict on it."""
    frameworks = sorted({name for row in report.rows for name in row.frameworks})
    own = any(row.name != row.tensor[1:] for row in report.rows)
    headings = ["gradient", *(["your name"] if own else [])]
    if not without_taus(report):
        headings += ["shape", "τ oracle", *(f"τ {name}" for name in frameworks)]
    lines = []
    for row in report.rows:
        cells = [row.tensor, *([row.name] if own else [])]
        if not without_taus(report):
            taus = [row.tau, *(row.frameworks.get(name, math.nan) for name in frameworks)]
            cells += ["×".join(map(str, row.shape)) or "1", *map(number, taus)]
        lines.append([*cells, "right" if row.right else "missing" if row.absent else "WRONG"])
    return [*headings, ""], lines


def _table(report: Report) -> Table:
    headings, lines = table(report)
    shown = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for heading in headings:
        if heading == "your name":
            shown.add_column(heading, overflow="ellipsis", max_width=24)
        else:
            shown.add_column(heading, justify="right" if heading.startswith("τ") else "left", no_wrap=True)
    for *cells, last in lines:
        shown.add_row(*map(escape, cells), Text(last, style="green" if last == "right" else "bold red"))
    return shown


def number(tau: float) -> str:
    """A τ in the table."""
    if math.isnan(tau):
        return "–"
    if math.isinf(tau):
        return "shape"
    return f"{tau:.2f}" if tau < 100 else f"{tau:.0e}".replace("e+0", "e").replace("e+", "e")


def verdict(report: Report) -> tuple[str, str]:
    """RIGHT, WRONG or CANNOT TELL, and the rest of the sentence."""
    if report.verdict == UNKNOWN:
        return "CANNOT TELL", sentence(report.headline.removeprefix("cannot tell: "))
    if report.verdict == WRONG:
        return "WRONG", _ended(report.headline)
    text = _ended(report.headline.removeprefix("right "))
    if report.margin == report.margin and report.margin > 0:
        text += f" Margin: τ = {number(report.margin)}, where 1 would be the limit."
    return "RIGHT", text


def _verdict(report: Report) -> Text:
    if report.verdict == UNKNOWN:
        return Text(sentence(report.headline), style="bold yellow")
    word, text = verdict(report)
    colon = ": " if report.verdict == WRONG or not report.headline.startswith("right ") else " "
    return Text.assemble((word, "bold red" if report.verdict == WRONG else "bold green"), colon, text)


def details(report: Report) -> list[tuple[str, str]]:
    """The lines on a mistake: the evidence, why it is one, and the right equation."""
    if report.verdict != WRONG:
        return []
    entries = [("Evidence", sentence(report.evidence))] if report.evidence else []
    if report.mistakes:
        best = report.mistakes[0]
        entries += [("Why", best.sentence), ("It should be", best.equation)]
    return entries


def others(report: Report) -> list[tuple[str, str]]:
    """What else fits just as well: the titles, and the equations as they should be."""
    return [(sentence(named.title), named.equation) for named in report.mistakes[1:SHOWN]]


def notes(report: Report) -> list[str]:
    """The notes, what is not installed, and what was not tested."""
    untested = [f"Not tested: {'; '.join(report.untested)}."] if report.untested else []
    return [*report.notes, *(f"No framework: {reason}." for reason in report.unavailable), *untested]


def _item(label: str, text: str) -> Table:
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(width=12, style="bold" if label != "Note" else "dim")
    grid.add_column(overflow="fold")
    grid.add_row(label, Text(text))
    return grid


def sentence(text: str) -> str:
    """Begins with a capital, unless with a symbol such as db1, and ends with a full stop."""
    starts_plain = text[:2].islower() and not any(c.isdigit() for c in text.split(" ")[0])
    return _ended(text[0].upper() + text[1:] if starts_plain and not text.startswith(("d", "σ")) else text)


def _ended(text: str) -> str:
    return text if text.endswith((".", "…", "?", ":")) else f"{text}."
