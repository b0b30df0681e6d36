"""Where one implementation overtakes another: only what the intervals show, and only between the batches measured."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import combinations, pairwise

from reports.ratios import MARGIN, Comparison, compare
from reports.records import Group


@dataclass(frozen=True)
class Crossover:
    """`first` is shown to be faster at batch `low`, `second` at batch `high`; `near` is where their lines cross."""

    first: str
    second: str
    low: int
    high: int
    near: float


def crossovers(groups: list[Group], names: Iterable[str], margin: float = MARGIN) -> list[Crossover]:
    """All crossovers of the named within one problem, pass, dtype and device (`groups`: one per batch, ascending).

    A crossover lies between two batches with opposite verdicts, none resolved the other way between them. `near`
    interpolates the log ratio linearly in log batch, as the lines of the log-log figure do.
    """
    return [found for one, other in combinations(names, 2) for found in _of_pair(groups, one, other, margin)]


def _of_pair(groups: list[Group], one: str, other: str, margin: float) -> Iterator[Crossover]:
    since: tuple[int, str] | None = None
    points: list[tuple[int, float]] = []
    for group in groups:
        found = _compared(group, one, other)
        if found is None:
            continue
        points.append((group.batch, math.log(found.ratio)))
        verdict = found.verdict(margin)
        if verdict not in ("faster", "slower"):
            continue
        if since is not None and since[1] != verdict:
            first, second = (one, other) if since[1] == "faster" else (other, one)
            between = [point for point in points if point[0] >= since[0]]
            yield Crossover(first, second, since[0], group.batch, _zero(between))
        since = group.batch, verdict


def _compared(group: Group, one: str, other: str) -> Comparison | None:
    a, b = group.case(one), group.case(other)
    return compare(group, a, b, pairs(group)) if a and b else None


def pairs(group: Group) -> int:
    """How many pairs a group has: the family over which its pairwise intervals hold together."""
    return max(1, len(group.cases) * (len(group.cases) - 1) // 2)


def _zero(points: list[tuple[int, float]]) -> float:
    """The batch where the log ratio, linear in log batch from point to point, first changes its sign."""
    for (left, r), (right, s) in pairwise(points):
        if r == 0 or r * s < 0:
            return left * (right / left) ** (r / (r - s) if r else 0.0)
    return float(points[-1][0])
