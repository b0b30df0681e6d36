"""Progress of long work on standard error: on a terminal a line that keeps moving, elsewhere a line for each step."""

from __future__ import annotations

import sys
import time

import click
from rich.console import Console
from rich.progress import Progress, TextColumn, TimeElapsedColumn

from samegrad.impls.console.heartbeat import SILENT_S, Heartbeat
from samegrad.impls.console.terminal import moves


class Steps:
    """Progress of a `with` block, called with each next step: so many times, or for about so many seconds.

    Where there is no terminal a step that takes longer than a minute is written again every minute; a `brief` one is
    written only then.
    """

    def __init__(self, total: int | None = None, about_s: float | None = None, brief: bool = False) -> None:
        self.total, self.about_s, self.brief, self.begun, self.doing = total, about_s, brief, 0, ""
        self.began_s = time.monotonic()
        columns = TextColumn("{task.description}", markup=False), TimeElapsedColumn()
        self.line = Progress(*columns, console=Console(stderr=True), transient=True, disable=not moves(sys.stderr))
        self.task = self.line.add_task("")
        self.heartbeat = Heartbeat(self._write, SILENT_S)

    def __call__(self, doing: str) -> None:
        if doing == self.doing:
            return
        self.begun, self.doing = self.begun + 1, doing
        self.line.update(self.task, description=self._text())
        if not self.brief:
            self._write()

    def _text(self) -> str:
        if self.total is None:
            return f"{self.doing}{self._left()}"
        return f"{self.begun} of {self.total}{self._left()}: {self.doing}"

    def _left(self) -> str:
        elapsed_s, left_s = time.monotonic() - self.began_s, 0.0
        if self.about_s is not None:
            left_s = self.about_s - elapsed_s
        elif self.total and self.begun > 1:
            left_s = elapsed_s / (self.begun - 1) * (self.total - self.begun + 1)
        return f", about {left_s:.0f} s left" if left_s > 0 else ""

    def _write(self) -> None:
        if self.line.disable and self.doing:
            click.echo(f"[{time.monotonic() - self.began_s:.0f} s] {self._text()}", err=True)

    def __enter__(self) -> Steps:
        self.line.start()
        self.heartbeat.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self.heartbeat.__exit__()
        self.line.stop()
