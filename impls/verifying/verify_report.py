"""What `samegrad verify` prints: the table, the verdict, the mistake, the equation and the evidence; or JSON."""

from __future__ import annotations

import dataclasses
import json
import math
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from impls.verifying.report import ERROR, RIGHT, Finding, Report, Row, exit_code

SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
LEGEND = "τ = |yours − right| / rounding bound, at its worst; up to 1 is right."
SHOWN = 4
"""Explanations that are spelt out; what fits beyond these is counted."""


def render(report: Report) -> RenderableType:
    """The report for a terminal of 80 columns."""
    parts: list[RenderableType] = []
    if report.traceback:
        parts += [Text(report.traceback), Text()]
    if report.rows:
        if probes := _probes(report):
            parts += [Text(probes), Text()]
        parts += [_table(report), Text(LEGEND, style="dim"), Text()]
    parts.append(_verdict(report))
    if details := _details(report):
        parts += [Text(), *details]
    for number, finding in enumerate(report.findings[1:SHOWN]):
        heading = "What else fits just as well:" if not number else ""
        parts += [Text(), Text(heading)] if heading else []
        parts.append(Padding(Text(f"{_sentence(finding.title)} {_one_line(finding.equation)}"), (0, 0, 0, 2)))
    if len(report.findings) > SHOWN:
        parts.append(Text(f"  and {len(report.findings) - SHOWN} more (see --json)"))
    notes = [*report.notes, *(f"Not asked: {reason}." for reason in report.unavailable)]
    if notes:
        parts += [Text(), *(_item("Note", note) for note in notes)]
    return Group(*parts)


def show(report: Report, console: Console | None = None) -> None:
    """Print it."""
    (console or Console(highlight=False)).print(render(report), soft_wrap=False)


def to_json(report: Report) -> str:
    """The report for machines; a τ that is not finite (a wrong shape) is null."""
    content: dict[str, Any] = {**dataclasses.asdict(report), "exit_code": exit_code(report), "format": 1}
    for row, plain in zip(report.rows, content["rows"], strict=True):
        plain["right"] = row.right
    return json.dumps(_finite(content), ensure_ascii=False, indent=2)


def _finite(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return value


def _probes(report: Report) -> str:
    if not report.sizes:
        return ""
    layers = f", {' and '.join(report.activations)}" if report.activations else ""
    *first, last = map(str, report.batches)
    batches = f"{', '.join(first)} and {last}" if first else last
    rows = "row" if report.batches == (1,) else "rows"
    return f"Probes: {'-'.join(map(str, report.sizes))}{layers}; batches of {batches} {rows}; {report.dtype}."


def _table(report: Report) -> Table:
    frameworks = sorted({name for row in report.rows for name in row.frameworks})
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("gradient", no_wrap=True)
    if any(row.name != row.tensor[1:] for row in report.rows):
        table.add_column("your name", overflow="ellipsis", max_width=24)
    table.add_column("shape", no_wrap=True)
    table.add_column("τ oracle", justify="right", no_wrap=True)
    for framework in frameworks:
        table.add_column(f"τ {framework}", justify="right", no_wrap=True)
    table.add_column("")
    for row in report.rows:
        named = [row.name] if len(table.columns) == len(frameworks) + 5 else []
        verdict = (
            Text("right", style="green") if row.right else Text("missing" if row.absent else "WRONG", style="bold red")
        )
        cells = [_number(row.tau), *(_number(row.frameworks.get(name, math.nan)) for name in frameworks)]
        table.add_row(row.tensor, *map(escape, named), _shape(row), *cells, verdict)
    return table


def _shape(row: Row) -> str:
    return "×".join(map(str, row.shape)) or "1"


def _number(tau: float) -> str:
    if math.isnan(tau):
        return "–"
    if math.isinf(tau):
        return "shape"
    return f"{tau:.2f}" if tau < 100 else f"{tau:.0e}".replace("e+0", "e").replace("e+", "e")


def _verdict(report: Report) -> Text:
    if report.status == ERROR:
        return Text(_sentence(report.headline), style="bold red")
    word, style = ("RIGHT", "bold green") if report.status == RIGHT else ("WRONG", "bold red")
    headline = report.headline.removeprefix("right ") if report.status == RIGHT else report.headline
    text = Text.assemble((word, style), " " if headline != report.headline else ": ", _plain_end(headline))
    if report.status == RIGHT and report.rows:
        text.append(f" Margin: τ = {_number(report.margin)}, where 1 would be the limit.")
    return text


def _details(report: Report) -> list[RenderableType]:
    parts: list[RenderableType] = []
    if report.status == RIGHT:
        return parts
    if report.evidence:
        parts.append(_item("Evidence", _sentence(report.evidence)))
    if report.findings:
        best: Finding = report.findings[0]
        parts += [_item("Why", best.sentence), _item("It should be", best.equation)]
    return parts


def _item(label: str, text: str) -> Table:
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(width=12, style="bold" if label != "Note" else "dim")
    grid.add_column(overflow="fold")
    grid.add_row(label, Text(text))
    return grid


def _sentence(text: str) -> str:
    """Begins with a capital, unless with a symbol such as db1, and ends with a full stop."""
    starts_plain = text[:2].islower() and not any(c.isdigit() for c in text.split(" ")[0])
    text = text[0].upper() + text[1:] if starts_plain and not text.startswith(("d", "σ")) else text
    return text if text.endswith((".", "…", "?")) else f"{text}."


def _plain_end(text: str) -> str:
    return text if text.endswith(".") else f"{text}."


def _one_line(text: str) -> str:
    return "(" + "; ".join(text.splitlines()) + ")"
