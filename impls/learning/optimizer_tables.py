"""Every framework's optimizers beside the textbook's, as tables for the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

from rich.console import RenderableType

from samegrad.impls.console.terminal_table import table
from samegrad.impls.documents.optimizers import ClosedLoopRow, ClosedLoops, OptimizerRow, Optimizers

Row = TypeVar("Row", OptimizerRow, ClosedLoopRow)


def opened(optimizers: Optimizers) -> list[RenderableType]:
    """The tables of the open loop: as shipped with the reasons, and aligned."""
    shipped = [
        [
            *(name, row.implementation, f"{row.shipped:.1e}"),
            "\n".join(f"{reason.reason}: {reason.alone:.1e}" for reason in row.reasons) or "–",
            f"{row.unexplained:.1e}",
        ]
        for name, row in _by_optimizer(optimizers.rows)
    ]
    headings = ["optimizer", "implementation", "parts by", "because (each alone)", "unexplained"]
    names, what, aligned = optimizers.implementations, optimizers.what, []
    for optimizer in optimizers.names:
        here = {row.implementation: row for row in optimizers.rows if row.optimizer == optimizer}
        allowed = max(row.allowed for row in here.values())
        aligned.append([optimizer, *(f"{here[name].aligned:.1e}" for name in names), f"{allowed:.1e}"])
    return [
        table(f"As shipped: {what}, the learning rate halved half way", headings, shipped, (headings[1], headings[3])),
        table(f"Aligned: {what}, farthest from the textbook", ["optimizer", *names, "allowed"], aligned),
    ]


def closed(loops: ClosedLoops) -> RenderableType:
    """A row per training: the farthest that each implementation was from the textbook, in shadows' spreads."""
    title = (
        f"Closed loop, {loops.settings.dtype}: how far from the textbook, in units of what one rounding per step "
        f"becomes (allowed: {loops.settings.allowed:g})"
    )
    names, lines = loops.implementations, []
    by_run = {(row.optimizer, row.problem, row.implementation): row for row in loops.rows}
    for shown, row in _by_optimizer([row for row in loops.rows if row.implementation == names[0]]):
        times = [f"{by_run[row.optimizer, row.problem, name].times_shadow:.2g}" for name in names]
        lines.append([shown, row.problem, *times, f"{row.comparable_until:,}"])
    return table(title, ["optimizer", "problem", *names, "up to epoch"], lines, ["problem"])


def _by_optimizer(rows: Sequence[Row]) -> Iterator[tuple[str, Row]]:
    """The rows grouped by optimizer, with its name in the first of each group and nothing in the others."""
    for name in dict.fromkeys(row.optimizer for row in rows):
        for number, row in enumerate(row for row in rows if row.optimizer == name):
            yield (name if number == 0 else ""), row
