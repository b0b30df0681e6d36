"""What a worker does: train the starts of a block, all at once, and count what becomes of them."""

from __future__ import annotations

import base64
import platform
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from samegrad.impls.documents.base import Count, DocumentPart, fitted
from samegrad.impls.documents.study import StudySpec
from samegrad.impls.learning.optimizers import Settings
from samegrad.impls.studies import failures, laws
from samegrad.impls.studies.population import Population, population, require_right
from samegrad.impls.studies.specs import SeedBlock
from samegrad.impls.studies.versions import require_same
from samegrad.impls.studies.versions import versions as found_versions
from samegrad.impls.task import Task

TARGET = f"{__name__}:work"
DECIDING = 0.9
"""The share of the epochs from which on an error must still fall to be called descending."""


class Counts(DocumentPart, frozen=True, kw_only=True):
    """The outcome of a block: how many are found to have learned at each look, why the others failed, and who learned.

    `learned` is a bit per start in the order of the seeds, in base64.
    """

    learned_at: tuple[Count, ...]
    failures: dict[str, Count]
    learned: str


def work(spec: dict[str, Any], block: dict[str, Any], versions: dict[str, str]) -> dict[str, Any]:
    """The `Counts` of a `SeedBlock`, all in JSON's types.

    Raises BadInput where there are other versions here, and Disagreement where gradients are wrong.
    """
    settings, this = fitted(spec, StudySpec), fitted(block, SeedBlock)
    require_same(versions, {platform.node(): found_versions(settings.implementation)})
    cell = this.cell
    problem = cell.problem
    parameters = laws.draw(cell.law, problem.sizes, this.first, this.count)
    task = Task(problem, parameters, 4, settings.dtype)
    with threadpool_limits(1), np.errstate(all="ignore"):
        require_right(task, settings.implementation)
        trained = population(task, settings.implementation, Settings(cell.optimizer, cell.learning_rate))
        return train(trained, this, settings)


def train(trained: Population, block: SeedBlock, spec: StudySpec) -> dict[str, Any]:
    """Look at the networks at every look, and train those between that have neither learned nor diverged."""
    looks, learned_at = spec.looks, np.full(block.count, -1)
    earlier = np.full(block.count, np.inf)
    left, diverged = np.arange(block.count), 0
    for look, epoch in enumerate(looks):
        state = trained.state
        learned, finite = state.losses < spec.threshold, np.isfinite(state.theta).all(axis=0)
        learned &= finite
        learned_at[left[learned]] = look
        diverged += int(np.sum(~finite))
        if not (kept := finite & ~learned).all():
            left = left[kept]
            if not len(left):
                break
            trained.keep(kept)
            state = trained.state
        if epoch <= DECIDING * spec.epochs:
            earlier[left] = state.losses
        if epoch < spec.epochs:
            trained.advance(looks[look + 1] - epoch)
    failed = {failures.DIVERGED: diverged} if diverged else {}
    if len(left):
        failed |= failures.classify(block.cell.problem, trained.state, earlier[left])
    return {
        "learned_at": np.bincount(learned_at[learned_at >= 0]).tolist(),
        "failures": failed,
        "learned": base64.b64encode(np.packbits(learned_at >= 0).tobytes()).decode(),
    }


def bits(counts: Counts, count: int) -> Any:
    """Which starts of a block learned (count,)."""
    packed = np.frombuffer(base64.b64decode(counts.learned), np.uint8)
    return np.unpackbits(packed, count=count).astype(bool)
