"""What `starts.run` found, as a table for the terminal."""

from __future__ import annotations

from typing import Any

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from samegrad.impls.learning.training_tables import absent

Document = dict[str, Any]


def render(result: Document) -> RenderableType:
    """A row per implementation, and whether they agree on which starts converge."""
    seeds, recipe = result["seeds"], result["recipe"]
    title = (
        f"xor from {seeds['count']:,} starts (seeds from {seeds['first']}), {recipe['dtype']}: "
        f"error below {result['threshold']:g} within {recipe['epochs']:,} epochs"
    )
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for heading in ("implementation", "converge", "epochs: 5 %", "25 %", "50 %", "75 %", "95 %", "s"):
        table.add_column(heading, justify="left" if heading == "implementation" else "right")
    for run in result["runs"]:
        quantiles = [f"{epochs:,.0f}" for epochs in run["quantiles"].values()] if run["quantiles"] else ["–"] * 5
        table.add_row(run["implementation"], f"{run['share']:.2%}", *quantiles, f"{run['seconds']:.1f}")
    return Group(Text(title, style="italic"), table, *absent(result), _verdict(result))


def _verdict(result: Document) -> Text:
    different = result["different"]
    if not different:
        return Text("The same starts converge in all.", style="bold green")
    seeds = ", ".join(map(str, different[:5])) + (" …" if len(different) > 5 else "")
    which = f"{len(different)} of them converge in one and not in another (seeds {seeds})"
    if result["agree"]:
        return Text(f"{which}: they need nearly all epochs, and a rounding decides.", style="bold green")
    return Text(f"{which}, which rounding does not explain.", style="bold red")
