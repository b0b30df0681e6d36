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
        self.tasks = {name: self.bars.add_task(name, total=epochs, loss="–") for name in names}

    def show(self, states: dict[str, dict[str, Any]]) -> None:
        """{name: {"epoch", "loss"}, or {} before the first}; "done" when all have ended."""
        for name, state in states.items():
            if state:
                loss = f"{state['loss']:.6f}" if "loss" in state else "–"
                self.bars.update(self.tasks[name], completed=state.get("epoch", 0), loss=loss)

    def __enter__(self) -> Live:
        self.bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.bars.stop()
