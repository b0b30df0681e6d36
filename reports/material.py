"""What a report is made from: run files, and beside them what other commands have saved."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from samegrad.benchmarks.documents.ladder import Ladder
from samegrad.benchmarks.documents.run import RunDocument
from samegrad.benchmarks.documents.selfcheck import Selfcheck
from samegrad.impls.documents import base
from samegrad.impls.documents.agreement import Agreement
from samegrad.impls.documents.base import Document, DocumentError
from samegrad.impls.documents.learning import Starts, Training
from samegrad.impls.documents.optimizers import ClosedLoops, Optimizers
from samegrad.impls.documents.sharpness import Sharpness
from samegrad.reports import runs, style
from samegrad.reports.records import Run, description

BESIDE: dict[str, type[Document]] = {
    "agreement": Agreement,
    "closed_loops": ClosedLoops,
    "ladder": Ladder,
    "optimizers": Optimizers,
    "selfcheck": Selfcheck,
    "sharpness": Sharpness,
    "training": Training,
    "starts": Starts,
}
"""The documents that are drawn beside a run: the field of `Material`, and its type."""


@dataclass(frozen=True)
class Material:
    """The runs, the last of which the report is about, and at most one of each other document."""

    runs: tuple[Run, ...]
    beside: dict[str, Path] = field(default_factory=dict)
    """The files of the other documents."""
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
        """The last run, or a run without measurements if there is none."""
        return self.runs[-1] if self.runs else Run(self.paths[0], groups=(), implementations={})

    @property
    def paths(self) -> list[Path]:
        """The files: runs in the order in which they were given, then the other documents."""
        return [run.path for run in self.runs] + [self.beside[part] for part in BESIDE if part in self.beside]

    @cached_property
    def looks(self) -> dict[str, style.Look]:
        """A look for every implementation of every part; the last run's data come first."""
        described: dict[str, dict[str, Any]] = {}
        for run in reversed(self.runs):
            for name, data in run.implementations.items():
                described.setdefault(name, data)
        parts = (self.agreement, self.ladder, self.optimizers, self.closed_loops)
        named = [part.implementations for part in parts if part]
        named += [[run.implementation for run in part.runs] for part in (self.training, self.starts) if part]
        for name in (name for names in named for name in names):
            described.setdefault(name, description(name))
        return style.looks(described)


def gather(paths: Sequence[str | Path] = ()) -> Material:
    """Read the files, each by its format; without any, read the latest of each kind from where commands save them.

    Raises DocumentError where a file is none of these, or there is none at all.
    """
    kinds: tuple[type[Document], ...] = (RunDocument, *BESIDE.values())
    if not paths:
        newest = [base.latest(kind) for kind in kinds]
        paths = [path for path in newest if path]
        if not paths:
            raise DocumentError(f"{RunDocument.FOLDER}: holds no run file; {RunDocument.ORIGIN}")
    found_runs: list[Run] = []
    parts: dict[str, Any] = {}
    beside: dict[str, Path] = {}
    for path in map(Path, paths):
        document = base.read(path, kinds)
        if isinstance(document, RunDocument):
            found_runs.append(runs.of(document, path))
            continue
        part = next(part for part, kind in BESIDE.items() if isinstance(document, kind))
        parts[part], beside[part] = document, path
    return Material(tuple(found_runs), beside, **parts)
