"""From the counts of all blocks to the document: shares with intervals, halves, and pairs of optimizers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from samegrad.impls.documents.study import StartsHalf, StudyCell, StudyPair, StudySpec
from samegrad.impls.studies.block_task import Counts, bits
from samegrad.impls.studies.specs import GridCell, SeedBlock, blocks, halves

CountsOf = Callable[[SeedBlock], Counts]


def study_cell(spec: StudySpec, cell: GridCell, counts_of: CountsOf) -> StudyCell:
    """A cell's entry in the document."""
    both = [_half(spec, cell, half, counts_of) for half in (0, 1)]
    learned = sum(half.learned for half in both)
    interval = stats.binomtest(learned, spec.starts).proportion_ci(0.95, method="wilson")
    table = [[half.learned, half.starts - half.learned] for half in both]
    return StudyCell(
        law=cell.law,
        width=cell.width,
        activation=cell.activation,
        optimizer=cell.optimizer,
        learning_rate=cell.learning_rate,
        share=learned / spec.starts,
        low=max(0.0, float(interval.low)),
        high=min(1.0, float(interval.high)),
        halves=(both[0], both[1]),
        halves_p=min(1.0, float(stats.fisher_exact(table).pvalue)),
    )


def _half(spec: StudySpec, cell: GridCell, half: int, counts_of: CountsOf) -> StartsHalf:
    learned_at, failures = np.zeros(len(spec.looks), int), dict[str, int]()
    for block in blocks(spec, cell, half):
        counts = counts_of(block)
        learned_at[: len(counts.learned_at)] += np.array(counts.learned_at, int)
        for kind, count in counts.failures.items():
            failures[kind] = failures.get(kind, 0) + count
    last = int(np.max(np.flatnonzero(learned_at), initial=-1))
    return StartsHalf(
        starts=halves(spec)[half][1],
        learned_at=tuple(learned_at[: last + 1].tolist()),
        failures=dict(sorted(failures.items())),
    )


def times(half: StartsHalf, looks: Sequence[int]) -> stats.CensoredData:
    """The epochs that each start of half a cell needed, right-censored at the last where it did not learn."""
    learned = np.repeat(looks[: len(half.learned_at)], half.learned_at)
    never = np.full(half.starts - half.learned, looks[-1])
    return stats.CensoredData(uncensored=learned, right=never)


def study_pairs(spec: StudySpec, by_cell: dict[GridCell, StudyCell], counts_of: CountsOf) -> list[StudyPair]:
    """Every two optimizers of each network, at their best rates."""
    best: dict[tuple[str, int, str], dict[str, GridCell]] = {}
    for cell, result in by_cell.items():
        of_network = best.setdefault(result.network, {})
        leader = of_network.get(cell.optimizer)
        if leader is None or _merit(result, spec) > _merit(by_cell[leader], spec):
            of_network[cell.optimizer] = cell
    return [
        _pair(spec, one, other, by_cell, counts_of)
        for of_network in best.values()
        for one, other in combinations(of_network.values(), 2)
    ]


def _merit(result: StudyCell, spec: StudySpec) -> tuple[int, int]:
    """A sort key: more starts of the first half that learn, and of as many, fewer epochs in all."""
    half = result.halves[0]
    return half.learned, -sum(count * epoch for count, epoch in zip(half.learned_at, spec.looks, strict=False))


def _pair(
    spec: StudySpec, one: GridCell, other: GridCell, by_cell: dict[GridCell, StudyCell], counts_of: CountsOf
) -> StudyPair:
    first, second = (_who_learned(spec, cell, counts_of) for cell in (one, other))
    first_only, second_only = int(np.sum(first & ~second)), int(np.sum(second & ~first))
    discordant = first_only + second_only
    samples = [times(by_cell[cell].halves[1], spec.looks) for cell in (one, other)]
    return StudyPair(
        law=one.law,
        width=one.width,
        activation=one.activation,
        optimizers=(one.optimizer, other.optimizer),
        learning_rates=(one.learning_rate, other.learning_rate),
        starts=len(first),
        both=int(np.sum(first & second)),
        first_only=first_only,
        second_only=second_only,
        mcnemar_p=min(1.0, float(stats.binomtest(first_only, discordant).pvalue)) if discordant else 1.0,
        logrank_p=_logrank(*samples) if first.any() or second.any() else None,
    )


def _logrank(one: stats.CensoredData, other: stats.CensoredData) -> float | None:
    """The p-value of equal times; None where all times are one, so that there is nothing to rank."""
    with np.errstate(invalid="ignore"):
        p = float(stats.logrank(one, other).pvalue)
    return p if np.isfinite(p) else None


def _who_learned(spec: StudySpec, cell: GridCell, counts_of: CountsOf) -> NDArray[np.bool_]:
    """Which starts of the second half learned."""
    return np.concatenate([bits(counts_of(block), block.count) for block in blocks(spec, cell, 1)])
