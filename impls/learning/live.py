"""A bar per implementation, which shows how far its training is and what its loss is now."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn


class Live:
    """A context; `show` takes what `training.run` tells. Without a terminal it is silent."""

    def __init__(self, console: Console, names: Sequence[str], epochs: int) -> None:
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("loss {task.fields[loss]}"),
        )
        self.bars = Progress(
            *columns, TimeElapsedColumn(), console=console, transient=True, disable=not console.is_terminal
        )
        self.epochs = epochs
        self.tasks = {name: self.bars.add_task(name, total=epochs, value="") for name in names}

    def show(self, states: dict[str, dict[str, Any]]) -> None:
        """{name: {"epoch", "loss"} or {"epoch", "converged"}, or {} before the first}."""
        for name, state in states.items():
            for what in ("loss", "converged"):
                if what in state:
                    value = f"{what} {state[what]:.6f}" if what == "loss" else f"{state[what]:.1%} converged"
                    self.bars.update(self.tasks[name], completed=state["epoch"], value=value)

    def __enter__(self) -> Live:
        self.bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.bars.stop()
