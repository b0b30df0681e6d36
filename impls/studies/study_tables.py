"""A study for the terminal: every network and optimizer at its best rate, and the answer last."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.text import Text

from samegrad.impls.console.terminal_table import table
from samegrad.impls.documents.study import Study, StudyCell, law_in_words, percent

HEADINGS = ["network", "optimizer", "rate", "learn, %", "95 %", "half by", "most others"]


def render(study: Study) -> RenderableType:
    """A table for each law, with a row for each network and optimizer, and the sentences below."""
    spec, best = study.spec, study.best.values()
    title = (
        f"xor from {spec.starts:,} starts in each of {len(study.cells):,} cells (seeds from {spec.seed}), "
        f"{spec.dtype}: error below {spec.threshold:g} within {spec.epochs:,} epochs. Each at its best rate:"
    )
    tables = [
        table(
            f"Weights from {law_in_words(law)}",
            HEADINGS,
            [_row(study, cell) for cell in best if cell.law == law],
            ["optimizer", "most others"],
        )
        for law in spec.laws
    ]
    return Group(Text(title, style="italic"), *tables, *map(Text, study.answer))


def _row(study: Study, cell: StudyCell) -> list[RenderableType]:
    median = cell.median(study.spec.looks)
    return [
        f"2-{cell.width}-1 {cell.activation}" if len(study.spec.activations) > 1 else f"2-{cell.width}-1",
        cell.optimizer,
        f"{cell.learning_rate:g}",
        percent(cell.share),
        f"{percent(cell.low)}–{percent(cell.high)}",
        "–" if median is None else f"{median:,}",
        cell.most_failures,
    ]
