"""A plain table for the terminal: a rule under the headings, texts at the left and numbers at the right."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text


def table(
    title: str, headings: Sequence[str], rows: Iterable[Sequence[RenderableType]], texts: Sequence[str] = ()
) -> RenderableType:
    """A title, if there is one, above rows. The first column and those whose heading is in `texts` are at the left."""
    grid = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for place, heading in enumerate(headings):
        grid.add_column(heading, justify="left" if place == 0 or heading in texts else "right", overflow="fold")
    for row in rows:
        grid.add_row(*row)
    return Group(Text(title, style="italic"), grid) if title else grid


class Outcome(Protocol):
    """A document that says why some names gave no result."""

    @property
    def left_out(self) -> dict[str, str]: ...

    @property
    def failed(self) -> dict[str, str]: ...


def left_out(outcome: Outcome) -> list[Text]:
    """A line for each name that gave no result, with the reason."""
    lines = [Text(f"left out: {name}: {reason}", style="dim") for name, reason in outcome.left_out.items()]
    return lines + [Text(f"failed: {name}: {why}", style="bold red") for name, why in outcome.failed.items()]
