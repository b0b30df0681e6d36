"""A bar per implementation, which shows how far its training is and what it has come to."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from samegrad.impls.console.terminal import moves

SHOWN = {"shadows": "the reference"}
LINE_S = 60.0
"""Seconds between lines, where there is no terminal."""


class Live:
    """Progress bars in a `with` block; `show` takes what `training.run` reports. Else a line a minute."""

    def __init__(self, console: Console, names: Sequence[str], epochs: int, unit: str = "epoch") -> None:
        self.bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=20),
            TextColumn(unit + " {task.completed:,.0f} of {task.total:,}"),
            TextColumn("{task.fields[value]}"),
            TimeElapsedColumn(),
            console=console,
            transient=True,
            disable=not moves(console.file),
        )
        self.epochs, self.unit, self.written_s = epochs, unit, time.monotonic()
        self.tasks = {
            name: self.bars.add_task(SHOWN.get(name, name), start=False, total=epochs, value="waiting")
            for name in names
        }

    def show(self, states: dict[str, dict[str, Any]]) -> None:
        """Update the bars by {name: {"stage", once it trains "epoch", and perhaps "loss" or "converged"}}."""
        for name, state in states.items():
            if state["stage"] == "waiting":
                continue
            self.bars.start_task(self.tasks[name])
            epoch = self.epochs if state["stage"] == "done" else state.get("epoch", 0)
            self.bars.update(self.tasks[name], completed=epoch, value=_progress_text(state))
            if state["stage"] == "failed":
                self.bars.stop_task(self.tasks[name])
        if self.bars.disable and time.monotonic() - self.written_s > LINE_S:
            self.written_s = time.monotonic()
            at = [f"{name} {state.get('epoch', 0):,}" for name, state in states.items() if state["stage"] == "running"]
            click.echo(f"{self.unit} of {self.epochs:,}: {', '.join(at)}", err=True)

    def __enter__(self) -> Live:
        self.bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.bars.stop()


def _progress_text(state: dict[str, Any]) -> str:
    if state["stage"] == "failed":
        return "no result"
    if "loss" in state:
        return f"loss {state['loss']:.6f}"
    if "converged" in state:
        return f"{state['converged']:.1%} converged"
    return "" if "epoch" in state else "starting"
