"""What a report is made from: run files, and beside them what other commands have saved."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from reports import agreements, runs, style, trainings
from reports.agreements import Agreement
from reports.reading import RunFileError, load
from reports.records import Run, description
from reports.trainings import Starts, Training

BESIDE: dict[str, tuple[str, Path, Callable[[Path], Any]]] = {
    agreements.FORMAT: ("agreement", agreements.FOLDER, agreements.read),
    trainings.FORMAT: ("training", trainings.FOLDER, trainings.read),
    trainings.STARTS_FORMAT: ("starts", trainings.STARTS_FOLDER, trainings.read_starts),
}
"""What stands beside a run, by its format: the part of the material, where the latest lies, and its reader."""


@dataclass(frozen=True)
class Material:
    """At least one run; the last is the one that the report is about."""

    runs: tuple[Run, ...]
    agreement: Agreement | None = None
    training: Training | None = None
    starts: Starts | None = None

    @property
    def run(self) -> Run:
        return self.runs[-1]

    @property
    def paths(self) -> list[Path]:
        """The files: runs in the order in which they were given, then what stands beside."""
        beside = (self.agreement, self.training, self.starts)
        return [run.path for run in self.runs] + [part.path for part in beside if part]

    @cached_property
    def looks(self) -> dict[str, style.Look]:
        """A look for every implementation of every part; the last run's data come first."""
        described: dict[str, dict[str, Any]] = {}
        for run in reversed(self.runs):
            for name, data in run.implementations.items():
                described.setdefault(name, data)
        beside = self.agreement.implementations if self.agreement else []
        beside += [curve.implementation for curve in self.training.curves] if self.training else []
        beside += [share.implementation for share in self.starts.shares] if self.starts else []
        for name in beside:
            described.setdefault(name, description(name))
        return style.looks(described)


def gather(paths: Sequence[str | Path] = ()) -> Material:
    """Read the files, each as what it is; without any, the latest run, and the latest of what stands beside.

    Raises RunFileError where a file is none of these, or none of them is a run.
    """
    if not paths:
        newest = {part: (_latest(folder), read) for part, folder, read in BESIDE.values()}
        beside = {part: read(path) for part, (path, read) in newest.items() if path}
        return Material((runs.read(runs.latest()),), **beside)
    found_runs, beside = [], {}
    for path in map(Path, paths):
        kind = load(path, runs.ORIGIN).get("format")
        if isinstance(kind, str) and kind in BESIDE:
            part, _, read = BESIDE[kind]
            beside[part] = read(path)
        else:
            found_runs.append(runs.read(path))
    if not found_runs:
        raise RunFileError(f"{paths[-1]}: is no run file, and a report is about a run; {runs.ORIGIN}")
    return Material(tuple(found_runs), **beside)


def _latest(folder: Path) -> Path | None:
    """The newest file in the folder, if there is one."""
    return max(folder.glob("*.json"), key=lambda path: (path.stat().st_mtime_ns, path.name), default=None)
