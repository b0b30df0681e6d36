"""The shares of starts that converge, as a table for the terminal."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.text import Text

from samegrad.impls.console.terminal_table import left_out, table
from samegrad.impls.documents.learning import Starts


def render(starts: Starts) -> RenderableType:
    """A row per implementation, and whether they agree on which starts converge."""
    title = (
        f"xor from {starts.seeds.count:,} starts (seeds from {starts.seeds.first}), {starts.recipe.dtype}: "
        f"error below {starts.threshold:g} within {starts.recipe.epochs:,} epochs"
    )
    headings = ["implementation", "converge", "epochs: 5 %", "25 %", "50 %", "75 %", "95 %", "s"]
    rows = []
    for run in starts.runs:
        quantiles = [f"{epochs:,.0f}" for epochs in run.quantiles.values()] if run.quantiles else ["–"] * 5
        rows.append([run.implementation, f"{run.share:.2%}", *quantiles, f"{run.seconds:.1f}"])
    verdict = Text(starts.verdict, "bold green" if starts.agree else "bold red")
    return Group(table(title, headings, rows), *left_out(starts), verdict)
