"""The report as Markdown: every text and table of its parts, for a pull request or a mail; figures are linked."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from samegrad.reports.answer import answer
from samegrad.reports.cells import Cell
from samegrad.reports.material import Material
from samegrad.reports.part import Block, Code, Figure, Folded, Heading, Items, ReportPart, Table, Text
from samegrad.reports.provenance import footer


def markdown(material: Material, parts: Sequence[ReportPart]) -> str:
    """The whole report as one Markdown page, what changed since other runs first.

    Of each part the first table is open, and what is folded on the page can be unfolded.
    """
    lines = [
        "# The same gradients, and what each framework costs",
        escaped(" ".join(answer(material.run))),
        *map(escaped, footer(material.run)),
    ]
    for part in sorted(parts, key=lambda part: part.id != "compared"):
        lines.append(f"## {escaped(part.title)}")
        first = next((block for block in part.blocks if isinstance(block, Table)), None)
        lines += [line for block in part.blocks for line in _lines(block, is_open=block is first)]
    return "\n\n".join(filter(None, lines)) + "\n"


def _lines(block: Block, is_open: bool = False) -> Iterator[str]:
    """The paragraphs of a block; none of an interactive chart."""
    match block:
        case Text(text, kind):
            yield f"**{escaped(text)}**" if kind == "alarm" else escaped(text)
        case Heading(text):
            yield f"### {escaped(text)}"
        case Items(items):
            yield "\n".join(f"- {_item(*item)}" for item in items)
        case Code(text):
            yield "\n".join(f"    {line}" for line in text.splitlines())
        case Figure(name):
            yield f"![{escaped(block.words)}]({name}.png)"
        case Table():
            yield from _folded(_table(block), "" if is_open else block.folded)
        case Folded(summary, blocks):
            yield from _folded("\n\n".join(line for inner in blocks for line in _lines(inner, is_open=True)), summary)


def _item(name: str, texts: Sequence[str], source: str) -> str:
    strong = f"**{escaped(name)}**" if texts else escaped(name)
    return " ".join(filter(None, [strong + "".join(map(escaped, texts)), escaped(source)]))


def _folded(text: str, summary: str) -> list[str]:
    return [f"<details><summary>{escaped(summary)}</summary>", text, "</details>"] if summary else [text]


def _table(table: Table) -> str:
    lines = [[escaped(column.name) for column in table.columns]]
    lines.append(["---:" if column.is_number else "---" for column in table.columns])
    lines += [[_cell(cell) for cell in row] for row in table.rows]
    return "\n".join([f"{escaped(table.caption.removesuffix('.'))}:\n", *(f"| {' | '.join(line)} |" for line in lines)])


def _cell(cell: Cell) -> str:
    if isinstance(cell, str):
        return escaped(cell)
    return code(cell["text"]) if cell["css"].startswith("name") else escaped(cell["text"]).replace("\n", "<br>")


def code(name: str) -> str:
    """The text as Markdown code that nothing in it can end, safe within a table."""
    fence = "`" * (1 + max((len(run) for run in re.findall(r"`+", name)), default=0))
    pad = " " if name.startswith("`") or name.endswith("`") else ""
    return f"{fence}{pad}{name.replace('|', chr(92) + '|')}{pad}{fence}"


def escaped(line: str) -> str:
    """The text with Markdown's and HTML's own characters made plain."""
    line = line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return "".join(f"\\{character}" if character in "\\`*_[]|#" else character for character in line)
