"""Where one implementation overtakes another: only what the intervals show, and only between the batches measured."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

from samegrad.benchmarks.results.statistics import Interval
from samegrad.benchmarks.results.verdict import FASTER, MARGIN, SLOWER, verdict


@dataclass(frozen=True)
class Crossover:
    """`first` is shown to be faster at batch `low`, `second` at batch `high`; `near` is where their lines cross."""

    first: str
    second: str
    low: int
    high: int
    near: float


def crossovers(
    one: str, other: str, ratios: Iterable[tuple[int, Interval]], margin: float = MARGIN
) -> Iterator[Crossover]:
    """All crossovers of a pair within one problem, pass, dtype and device.

    ratios: one's time over the other's by batch, ascending. A crossover is between two batches with opposite
    verdicts, none resolved the other way between them. `near` interpolates the log ratio linearly in log batch, as the
    lines of the log-log figure do.
    """
    since: tuple[int, str] | None = None
    points: list[tuple[int, float]] = []
    for batch, interval in ratios:
        points.append((batch, math.log(interval.ratio)))
        word = verdict(interval, margin)
        if word not in (FASTER, SLOWER):
            continue
        if since is not None and since[1] != word:
            first, second = (one, other) if since[1] == FASTER else (other, one)
            between = [point for point in points if point[0] >= since[0]]
            yield Crossover(first, second, since[0], batch, _zero(between))
        since = batch, str(word)


def _zero(points: list[tuple[int, float]]) -> float:
    """The batch where the log ratio, linear in log batch from point to point, first changes its sign."""
    for (left, r), (right, s) in pairwise(points):
        if r == 0 or r * s < 0:
            return left * (right / left) ** (r / (r - s) if r else 0.0)
    return float(points[-1][0])
