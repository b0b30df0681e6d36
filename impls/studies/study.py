"""A study from its spec to its document: what is not in the journal is trained, here or on a cluster."""

from __future__ import annotations

import platform
from collections.abc import Callable
from typing import Any

import msgspec

from samegrad.impls.documents.base import fitted
from samegrad.impls.documents.study import Study, StudySpec
from samegrad.impls.studies import cluster, processes, specs, statistics
from samegrad.impls.studies.block_task import TARGET, Counts, work
from samegrad.impls.studies.journal import Journal, key_of
from samegrad.impls.studies.specs import SeedBlock
from samegrad.impls.studies.versions import versions

Progress = Callable[[int, int], None]
"""The function that takes how many cells are done, and how many there are."""


class StudyPlan:
    """The tasks of a study, by key in the order of the cells."""

    def __init__(self, spec: StudySpec) -> None:
        self.spec, self.versions = spec, versions(spec.implementation)
        self.cells = list(specs.cells(spec))
        self.of_cell = [[block for half in (0, 1) for block in specs.blocks(spec, cell, half)] for cell in self.cells]
        self.keys = {block: key_of(spec, self.versions, block) for blocks in self.of_cell for block in blocks}

    def run(self, journal: Journal, place: str | None, jobs: int, progress: Progress) -> None:
        """Train what the journal lacks: in `jobs` processes, or on the cluster at `place`."""
        common = {"spec": msgspec.to_builtins(self.spec), "versions": self.versions}
        left = {
            key: {**common, "block": msgspec.to_builtins(block)}
            for block, key in self.keys.items()
            if key not in journal
        }

        def done(key: str, result: dict[str, Any]) -> None:
            journal.write(key, fitted(result, Counts))
            missing.discard(key)
            progress(self._cells_done(missing), len(self.cells))

        missing = set(left)
        progress(self._cells_done(missing), len(self.cells))
        if place is None:
            processes.run(TARGET, left, jobs, done)
            return
        with cluster.scheduler(place, self.spec.implementation) as address:
            cluster.run(address, work, left, done)

    def _cells_done(self, missing: set[str]) -> int:
        return sum(all(self.keys[block] not in missing for block in blocks) for blocks in self.of_cell)

    def document(self, journal: Journal) -> Study:
        """The document of a journal that has all tasks."""

        def counts_of(block: SeedBlock) -> Counts:
            return journal[self.keys[block]]

        by_cell = {cell: statistics.study_cell(self.spec, cell, counts_of) for cell in self.cells}
        return Study(
            format=Study.FORMAT,
            format_version=Study.VERSION,
            spec=self.spec,
            machine=platform.machine(),
            versions=self.versions,
            cells=tuple(by_cell.values()),
            pairs=tuple(statistics.study_pairs(self.spec, by_cell, counts_of)),
        )
