"""What a report is made from: run files, and beside them what other commands have saved."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from reports import agreements, closed_loops, ladders, optimizers, runs, selfchecks, sharpness, style, trainings
from reports.agreements import Agreement
from reports.closed_loops import ClosedLoops
from reports.ladders import Ladder
from reports.optimizers import Optimizers
from reports.reading import load
from reports.records import Run, description
from reports.selfchecks import Selfcheck
from reports.sharpness import Sharpness
from reports.trainings import Starts, Training

READERS: dict[str, tuple[str, Callable[[Path], Any]]] = {
    agreements.FORMAT: ("agreement", agreements.read),
    closed_loops.FORMAT: ("closed_loops", closed_loops.read),
    ladders.FORMAT: ("ladder", ladders.read),
    optimizers.FORMAT: ("optimizers", optimizers.read),
    selfchecks.FORMAT: ("selfcheck", selfchecks.read),
    sharpness.FORMAT: ("sharpness", sharpness.read),
    trainings.FORMAT: ("training", trainings.read),
    trainings.STARTS_FORMAT: ("starts", trainings.read_starts),
}
"""What stands beside a run, by its format: the part of the material, and its reader."""
FOLDERS = {
    agreements.FORMAT: agreements.FOLDER,
    trainings.FORMAT: trainings.FOLDER,
    trainings.STARTS_FORMAT: trainings.STARTS_FOLDER,
}
"""Where commands save what they made: the latest of each goes with the latest run."""


@dataclass(frozen=True)
class Material:
    """Runs, of which the last is the one that the report is about, and one of each other document at most."""

    runs: tuple[Run, ...]
    agreement: Agreement | None = None
    training: Training | None = None
    starts: Starts | None = None
    ladder: Ladder | None = None
    closed_loops: ClosedLoops | None = None
    optimizers: Optimizers | None = None
    selfcheck: Selfcheck | None = None
    sharpness: Sharpness | None = None

    @property
    def run(self) -> Run:
        """The last run; one without any measurement where there is none."""
        return self.runs[-1] if self.runs else Run(self.paths[0], date="", groups=(), implementations={})

    @property
    def paths(self) -> list[Path]:
        """The files: runs in the order in which they were given, then what stands beside."""
        beside = (getattr(self, part) for part, _ in READERS.values())
        return [run.path for run in self.runs] + [part.path for part in beside if part]

    @cached_property
    def looks(self) -> dict[str, style.Look]:
        """A look for every implementation of every part; the last run's data come first."""
        described: dict[str, dict[str, Any]] = {}
        for run in reversed(self.runs):
            for name, data in run.implementations.items():
                described.setdefault(name, data)
        parts = (self.agreement, self.ladder, self.optimizers, self.closed_loops)
        named = [part.implementations for part in parts if part]
        named += [[curve.implementation for curve in self.training.curves]] if self.training else []
        named += [[share.implementation for share in self.starts.shares]] if self.starts else []
        for name in (name for names in named for name in names):
            described.setdefault(name, description(name))
        return style.looks(described)


def gather(paths: Sequence[str | Path] = ()) -> Material:
    """Read the files, each as what its format says; without any, the latest run, and what is latest beside it.

    Raises RunFileError where a file is none of these.
    """
    if not paths:
        newest = {kind: _latest(folder) for kind, folder in FOLDERS.items()}
        beside = {READERS[kind][0]: READERS[kind][1](path) for kind, path in newest.items() if path}
        return Material((runs.read(runs.latest()),), **beside)
    found_runs, beside = [], {}
    for path in map(Path, paths):
        part, read = READERS.get(_kind(path), ("", runs.read))
        if part:
            beside[part] = read(path)
        else:
            found_runs.append(read(path))
    return Material(tuple(found_runs), **beside)


def _kind(path: Path) -> str:
    """The format that the file names, or that of the older documents that name none."""
    content = load(path, runs.ORIGIN)
    for module in (selfchecks, sharpness):
        if module.is_one(content):
            return module.FORMAT
    kind = content.get("format")
    return kind if isinstance(kind, str) else ""


def _latest(folder: Path) -> Path | None:
    """The newest file in the folder, if there is one."""
    return max(folder.glob("*.json"), key=lambda path: (path.stat().st_mtime_ns, path.name), default=None)
