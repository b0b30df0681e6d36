"""The input of a report: run files, and the documents of other commands that are shown with them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from samegrad.benchmarks.documents.ladder import Ladder
from samegrad.benchmarks.documents.merging import UNKNOWN_HOST
from samegrad.benchmarks.documents.run import ImplementationEntry, RunDocument
from samegrad.benchmarks.documents.selfcheck import Selfcheck
from samegrad.impls.documents import base
from samegrad.impls.documents.agreement import AgreementDocument
from samegrad.impls.documents.base import Document, DocumentError
from samegrad.impls.documents.learning import Starts, Training
from samegrad.impls.documents.optimizers import ClosedLoops, Optimizers
from samegrad.impls.documents.sharpness import Sharpness
from samegrad.impls.documents.study import Study
from samegrad.reports import runs, style
from samegrad.reports.machines import MachineRun, numbered
from samegrad.reports.records import StoredRun, description

BESIDE: dict[str, type[Document]] = {
    "agreement": AgreementDocument,
    "closed_loops": ClosedLoops,
    "ladder": Ladder,
    "optimizers": Optimizers,
    "selfcheck": Selfcheck,
    "sharpness": Sharpness,
    "training": Training,
    "starts": Starts,
    "study": Study,
}
"""The documents of other commands: the field of `Material`, and its type."""


@dataclass(frozen=True)
class Material:
    """The runs, the last of which the report is about, and at most one of each other document."""

    runs: tuple[StoredRun, ...]
    """The runs that have their rounds."""
    beside: dict[str, Path] = field(default_factory=dict)
    """The files of the other documents."""
    agreement: AgreementDocument | None = None
    training: Training | None = None
    starts: Starts | None = None
    ladder: Ladder | None = None
    closed_loops: ClosedLoops | None = None
    optimizers: Optimizers | None = None
    selfcheck: Selfcheck | None = None
    sharpness: Sharpness | None = None
    study: Study | None = None
    machines: tuple[MachineRun, ...] = ()
    """All runs, those of the gallery too, which have no rounds."""

    @property
    def run(self) -> StoredRun:
        """The last run, or a run without measurements if there is none."""
        return self.runs[-1] if self.runs else StoredRun(self.paths[0], groups=(), implementations={})

    @property
    def paths(self) -> list[Path]:
        """The files: runs in the order in which they were given, then the other documents."""
        measured = [machine.path for machine in self.machines] or [run.path for run in self.runs]
        return measured + [self.beside[part] for part in BESIDE if part in self.beside]

    @property
    def compared(self) -> tuple[StoredRun, ...]:
        """The last run, and before it those that may be of its host: those of other machines are merged instead."""
        hosts = {machine.path: machine.host for machine in self.machines}
        here = hosts.get(self.run.path, UNKNOWN_HOST)
        return tuple(
            run
            for run in self.runs
            if UNKNOWN_HOST in (here, there := hosts.get(run.path, UNKNOWN_HOST)) or here == there
        )

    @staticmethod
    def safe(part: str) -> str:
        """The text as part of a file's name: letters, digits and hyphens."""
        kept = "".join(character if character.isascii() and character.isalnum() else "-" for character in part)
        return kept[:40] or "-"

    def suffix(self, dtype: str, device: str) -> str:
        """The end of the names of files about a dtype and device: `float32-cpu`."""
        return f"{self.safe(dtype)}-{self.safe(device)}"

    @cached_property
    def looks(self) -> dict[str, style.Look]:
        """The colour and marker of every implementation in the report; those of the last run come first."""
        described: dict[str, ImplementationEntry] = {}
        known = [run.implementations for run in reversed(self.runs)]
        for entries in known + [machine.file.samegrad.implementations for machine in self.machines]:
            for name, entry in entries.items():
                described.setdefault(name, entry)
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
            raise DocumentError(f"{RunDocument.FOLDER}: contains no run file; {RunDocument.ORIGIN}")
    found_runs: list[StoredRun] = []
    files: list[tuple[Path, RunDocument]] = []
    parts: dict[str, Any] = {}
    beside: dict[str, Path] = {}
    for path in map(Path, paths):
        document = base.read(path, kinds)
        if isinstance(document, RunDocument):
            files.append((path, document))
            found_runs += [runs.of(document, path)] if document.has_rounds or not document.benchmarks else []
            continue
        part = next(part for part, kind in BESIDE.items() if isinstance(document, kind))
        parts[part], beside[part] = document, path
    return Material(tuple(found_runs), beside, **parts, machines=numbered(files))
