"""What `starts.run` found: a table for the terminal, and a picture of how many epochs the starts need."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from impls.files import write_whole
from impls.learning.training_tables import absent

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


def draw(result: Document, path: Path) -> None:
    """Write a PNG: the share that has converged by each epoch, and how the epochs needed are distributed."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 6), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True)
    epochs, count = result["recipe"]["epochs"], result["seeds"]["count"]
    widths = [5.0, 3.5, 2.0, 1.0]  # curves that lie on one another all stay visible
    for number, run in enumerate(result["runs"]):
        needed = sorted(value for value in run["epochs_needed"] if value is not None)
        style = {"label": f"{run['implementation']}: {run['share']:.2%}", "linewidth": widths[number % len(widths)]}
        shares = [100 * (i + 1) / count for i in range(len(needed))]
        above.step([0, *needed, epochs], [0, *shares, shares[-1] if shares else 0], where="post", **style)
        below.hist(needed, bins=100, range=(0, epochs), histtype="step", linewidth=style["linewidth"])
    above.set(ylabel="% of starts converged", ylim=(0, 100), xlim=(0, epochs))
    above.set_title(f"xor from {count:,} starts: error below {result['threshold']:g}", loc="left")
    above.legend(loc="upper left")
    below.set(xlabel="epochs needed", ylabel=f"starts per {epochs / 100:g} epochs")
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=120)
    write_whole(path, buffer.getvalue())
