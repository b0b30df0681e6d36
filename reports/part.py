"""The elements of a part of the report: texts, figures and tables, declared once for the page and for the files."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from samegrad.reports.cells import Cell

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing


@dataclass(frozen=True)
class Text:
    """A paragraph; `kind` is empty, `note`, `meta` or `alarm`."""

    macro: ClassVar[str] = "text"
    text: str
    kind: str = ""


def note(text: str) -> Text:
    """A paragraph that explains."""
    return Text(" ".join(text.split()), "note")


@dataclass(frozen=True)
class Heading:
    """A heading within a part."""

    macro: ClassVar[str] = "heading"
    text: str


@dataclass(frozen=True)
class Items:
    """A list of (text, lines, source): with lines the text is in bold before them; the source is a note at the end."""

    macro: ClassVar[str] = "items"
    items_: Sequence[tuple[str, Sequence[str], str]]


@dataclass(frozen=True)
class Code:
    """A command or a program's own output, as it is."""

    macro: ClassVar[str] = "code"
    text: str


@dataclass(frozen=True)
class Markup:
    """A piece of the page with a template of its own: the interactive charts."""

    macro: ClassVar[str] = "markup"
    template: str
    data: Mapping[str, Any]


@dataclass(frozen=True)
class Figure:
    """A figure: the name of its files, how it is drawn, the numbers of its CSV file, and its text alternative.

    draw: gives the matplotlib figure, to be called within `style.applied`.
    """

    macro: ClassVar[str] = "figure"
    name: str
    draw: Callable[[], Drawing]
    rows: Sequence[Mapping[str, Any]]
    words: str
    on_page: bool = True
    """Whether the page shows it; otherwise it is only written as files."""


@dataclass(frozen=True)
class Column:
    """A column of a table; `group` is the heading that it shares with its neighbours."""

    heading: str
    group: str = ""
    is_number: bool = False

    @property
    def name(self) -> str:
        """The heading in the CSV file."""
        return f"{self.group} {self.heading}".strip()


@dataclass(frozen=True)
class Table:
    """A table that can be sorted and saved as CSV. With `folded`, the text to unfold it by, it is closed at first."""

    macro: ClassVar[str] = "table"
    name: str
    caption: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]
    folded: str = ""

    @property
    def groups(self) -> list[tuple[str, int]]:
        """The row above the headings: each shared heading and how many columns it spans; empty without any."""
        groups = [column.group for column in self.columns]
        return [(group, groups.count(group)) for group in dict.fromkeys(groups)] if any(groups) else []


@dataclass(frozen=True)
class Folded:
    """Blocks that are closed at first."""

    macro: ClassVar[str] = "folded"
    summary: str
    blocks: Sequence[Block]


Block = Text | Heading | Items | Code | Markup | Figure | Table | Folded


@dataclass(frozen=True)
class ReportPart:
    """A part of the report, a section of the page."""

    id: str
    title: str
    blocks: Sequence[Block] = field(default_factory=list)

    @property
    def figures(self) -> list[Figure]:
        """Its figures, in order."""
        return [block for block in self.blocks if isinstance(block, Figure)]


Columns = Mapping[Any, Callable[[Any], Cell]]
"""A heading, or (shared heading, heading), and what gives a row's cell below it."""


def each(
    headings: Mapping[Any, Any] | Iterable[Any], cell_of: Callable[[Any, Any], Cell]
) -> dict[Any, Callable[[Any], Cell]]:
    """A column for each heading: `cell_of` takes the heading, or the value that it maps to, and the row."""
    keys = headings if isinstance(headings, Mapping) else {heading: heading for heading in headings}
    return {heading: partial(cell_of, key) for heading, key in keys.items()}


def table(name: str, caption: str, rows: Iterable[Any], columns: Columns, folded: str = "") -> Table:
    """A table with a row for each of `rows`."""
    made = [[cell_of(row) for cell_of in columns.values()] for row in rows]
    headings = [key if isinstance(key, tuple) else ("", key) for key in columns]
    numeric = [any(_is_number(cells[place]) for cells in made) for place in range(len(headings))]
    described = [Column(text, group, is_number) for (group, text), is_number in zip(headings, numeric, strict=True)]
    return Table(name, caption, described, made, folded)


def _is_number(cell: Cell) -> bool:
    return isinstance(cell, dict) and (isinstance(cell["value"], (int, float)) or "number" in cell["css"])


def facts(row: Any, names: str) -> dict[str, Any]:
    """The attributes of these names, parted by spaces, as columns of a figure's CSV file."""
    return {name.rstrip("_"): getattr(row, name) for name in names.split()}


def left_out(reasons: Mapping[str, str]) -> list[Block]:
    """A note for each reason, with the names that it left out."""
    by_reason: dict[str, list[str]] = {}
    for name, reason in reasons.items():
        names = by_reason.setdefault(reason, [])
        names += [name] if name not in names else []
    return [note(f"Left out: {', '.join(names)}: {reason}") for reason, names in by_reason.items()]
