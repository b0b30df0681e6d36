"""A small file in which one process reports to another how far a training is."""

from __future__ import annotations

import json
import time
from pathlib import Path

from samegrad.impls.files import write_whole

REPORT_EVERY_S = 0.1


def count_done(folder: str, name: str, count: int) -> None:
    """Report in `folder` how many pieces of its work `name` has done."""
    write_whole(Path(folder) / f"{name}.progress", json.dumps({"epoch": count}).encode())


class Reporter:
    """Writes epoch and loss to a file for the parent process, at most ten times a second."""

    def __init__(self, path: Path, what: str = "loss") -> None:
        self.path, self.what, self.next_s = path, what, 0.0

    def __call__(self, epoch: int, value: float) -> None:
        if time.monotonic() >= self.next_s:
            self.next_s = time.monotonic() + REPORT_EVERY_S
            write_whole(self.path, json.dumps({"epoch": epoch, self.what: value}).encode())
