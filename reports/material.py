"""What a report is made from: run files, and beside them what other commands have saved."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from reports import agreements, runs, style
from reports.agreements import Agreement
from reports.reading import RunFileError, load
from reports.records import Run, description


@dataclass(frozen=True)
class Material:
    """At least one run; the last is the one that the report is about."""

    runs: tuple[Run, ...]
    agreement: Agreement | None = None

    @property
    def run(self) -> Run:
        return self.runs[-1]

    @property
    def paths(self) -> list[Path]:
        """The files, in the order in which they were given."""
        return [run.path for run in self.runs] + ([self.agreement.path] if self.agreement else [])

    @cached_property
    def looks(self) -> dict[str, style.Look]:
        """A look for every implementation of every part; the last run's data come first."""
        described: dict[str, dict[str, Any]] = {}
        for run in reversed(self.runs):
            for name, data in run.implementations.items():
                described.setdefault(name, data)
        if self.agreement:
            for name in self.agreement.implementations:
                described.setdefault(name, description(name))
        return style.looks(described)


def gather(paths: Sequence[str | Path] = ()) -> Material:
    """Read the files, each as what it is; without any, the latest run and the latest agreement, if there is one.

    Raises RunFileError where a file is neither, or none of them is a run.
    """
    if not paths:
        newest = agreements.latest()
        return Material((runs.read(runs.latest()),), agreements.read(newest) if newest else None)
    found_runs, found_agreements = [], []
    for path in map(Path, paths):
        if agreements.is_agreement(load(path, runs.ORIGIN)):
            found_agreements.append(agreements.read(path))
        else:
            found_runs.append(runs.read(path))
    if not found_runs:
        raise RunFileError(f"{paths[-1]}: is no run file, and a report is about a run; {runs.ORIGIN}")
    return Material(tuple(found_runs), found_agreements[-1] if found_agreements else None)
