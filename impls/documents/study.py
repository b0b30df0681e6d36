"""The document of `samegrad study`: statistics of each cell of a grid, and never a list of starts."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from itertools import accumulate, product, zip_longest
from pathlib import Path
from typing import Annotated, ClassVar

import msgspec

from samegrad.impls.documents.base import Count, Document, DocumentPart, Ratio, Rows, Share

LOOKS = 100
"""How often the errors are looked at after the start, or every epoch where there are fewer."""
LEVEL = 0.05
"""Differences that come by chance more often are taken for chance."""


class StudySpec(DocumentPart, frozen=True, kw_only=True):
    """What is studied: a cell for each law × width × activation × optimizer × learning rate.

    A law is written as `normal 0.01`; a width w means the network 2-w-1; an activation is that of its hidden units.
    """

    starts: Annotated[int, msgspec.Meta(ge=2, le=10**7)] = 1000
    seed: Count = 42
    epochs: Rows = 10_000
    threshold: Ratio = 0.01
    dtype: str = "float64"
    implementation: str = "numpy-networks"
    laws: tuple[str, ...] = ("uniform 0 1",)
    widths: tuple[Rows, ...] = (4,)
    activations: tuple[str, ...] = ("sigmoid",)
    optimizers: tuple[str, ...] = ("sgd",)
    learning_rates: tuple[Ratio, ...] = (0.2,)

    @property
    def looks(self) -> list[int]:
        """The epochs at which the errors are looked at, from 0 to the last."""
        every = -(-self.epochs // LOOKS)
        return [*range(0, self.epochs, every), self.epochs]


class StartsHalf(DocumentPart, frozen=True, kw_only=True):
    """The outcomes of half of a cell's starts.

    `learned_at` counts the starts that are found to have learned at each look, up to the last look at which one is;
    `failures` counts the others by why they failed.
    """

    starts: Rows
    learned_at: tuple[Count, ...]
    failures: dict[str, Count]

    @property
    def learned(self) -> int:
        """How many starts have learned by the last look."""
        return sum(self.learned_at)


class StudyCell(DocumentPart, frozen=True, kw_only=True):
    """The share of a cell's starts that learns, with its 95 % interval (Wilson), and its halves.

    `halves_p` is Fisher's exact p-value of the halves' shares being the same.
    """

    law: str
    width: Rows
    activation: str
    optimizer: str
    learning_rate: Ratio
    share: Share
    low: Share
    high: Share
    halves: tuple[StartsHalf, StartsHalf]
    halves_p: Share

    @property
    def network(self) -> tuple[str, int, str]:
        """The cell's key without the optimizer and its rate: all that makes the network."""
        return self.law, self.width, self.activation

    @property
    def in_words(self) -> str:
        """The share and its interval as a text: `0.3 % (0.2 to 0.4)`."""
        return f"{percent(self.share)} % ({percent(self.low)} to {percent(self.high)})"

    @property
    def failures(self) -> dict[str, int]:
        """How many starts of both halves failed in each way."""
        first, second = (half.failures for half in self.halves)
        return {kind: first.get(kind, 0) + second.get(kind, 0) for kind in {**first, **second}}

    @property
    def most_failures(self) -> str:
        """The most frequent reason of the failures; `–` where no start fails."""
        return max(self.failures, key=lambda kind: self.failures[kind], default="–")

    @property
    def learned_at(self) -> list[int]:
        """How many starts of both halves are found to have learned at each look."""
        return [sum(counts) for counts in zip_longest(*(half.learned_at for half in self.halves), fillvalue=0)]

    def median(self, looks: Sequence[int]) -> int | None:
        """The epoch by which half of the starts have learned, if they do."""
        starts = sum(half.starts for half in self.halves)
        learned = zip(looks, accumulate(self.learned_at), strict=False)
        return next((epoch for epoch, count in learned if 2 * count >= starts), None)


class StudyPair(DocumentPart, frozen=True, kw_only=True):
    """Two optimizers on the same starts, each at the rate that did best in the first half, compared in the second.

    `mcnemar_p`: exact, of the starts that one alone learns. `logrank_p`: of the times to success; null without any.
    """

    law: str
    width: Rows
    activation: str
    optimizers: tuple[str, str]
    learning_rates: tuple[Ratio, Ratio]
    starts: Rows
    both: Count
    first_only: Count
    second_only: Count
    mcnemar_p: Share
    logrank_p: Share | None


class Study(Document, frozen=True, kw_only=True):
    """Which share of starts learns xor in each cell, when, and why the others fail.

    A start has learned when its error is below `threshold` at a look. The same spec, versions and kind of machine give
    the same file, so that it has neither date nor time.
    """

    FORMAT: ClassVar[str] = "samegrad-study"
    FOLDER: ClassVar[Path] = Path("reports/studies")
    ORIGIN: ClassVar[str] = "files of studies are written by `samegrad study`"

    spec: StudySpec
    machine: str
    versions: dict[str, str]
    cells: tuple[StudyCell, ...]
    pairs: tuple[StudyPair, ...]

    def __post_init__(self) -> None:
        spec, length = self.spec, len(self.spec.looks)
        grid = product(spec.laws, spec.widths, spec.activations, spec.optimizers, spec.learning_rates)
        if [(*cell.network, cell.optimizer, cell.learning_rate) for cell in self.cells] != list(grid):
            raise ValueError("`cells` must be those of the spec's lists, in their order")
        for half in (half for cell in self.cells for half in cell.halves):
            if half.learned + sum(half.failures.values()) != half.starts or len(half.learned_at) > length:
                raise ValueError("every start of `halves` must have learned at a look or failed")
        if any(sum(half.starts for half in cell.halves) != spec.starts for cell in self.cells):
            raise ValueError(f"every cell must have {spec.starts} starts")

    @property
    def best(self) -> dict[tuple[tuple[str, int, str], str], StudyCell]:
        """The cell of the best learning rate for each network and optimizer; of equal ones the first."""
        best: dict[tuple[tuple[str, int, str], str], StudyCell] = {}
        for cell in self.cells:
            key = cell.network, cell.optimizer
            if key not in best or cell.share > best[key].share:
                best[key] = cell
        return best

    @property
    def failures(self) -> dict[str, int]:
        """How many starts failed in each way over all cells, the most frequent first."""
        total: Counter[str] = Counter()
        for cell in self.cells:
            total.update(cell.failures)
        return dict(total.most_common())

    @property
    def agreeing(self) -> int:
        """The number of cells whose halves agree: such a difference comes by chance in more than 5 % of studies."""
        return sum(cell.halves_p >= LEVEL for cell in self.cells)

    @property
    def answer(self) -> list[str]:
        """Sentences: how much the weights decide, which optimizer learns more, why failures fail, how sure that is."""
        return [line for line in (self._contrast, self._rivals, self._reasons, self._sureness) if line]

    @property
    def _contrast(self) -> str:
        """The two cells farthest apart, of those that differ in the law alone, or of all where there is one law."""
        alike: dict[object, list[StudyCell]] = {}
        for cell in self.cells:
            others = cell.width, cell.activation, cell.optimizer, cell.learning_rate
            alike.setdefault(others if len(self.spec.laws) > 1 else None, []).append(cell)
        ends = [(min(some, key=_share), max(some, key=_share)) for some in alike.values()]
        low, high = max(ends, key=lambda pair: pair[1].share - pair[0].share)
        first = (
            f"With weights from {law_in_words(low.law)} and {low.optimizer} at a rate of {low.learning_rate:g}, "
            f"{low.in_words} of starts of 2-{low.width}-1 ({low.activation}) learn within {self.spec.epochs:,} epochs"
        )
        if low is high:
            return f"{first}."
        if len(self.spec.laws) > 1:
            return f"{first}; from {law_in_words(high.law)}, {high.in_words}."
        other = f"{high.optimizer} at {high.learning_rate:g} on 2-{high.width}-1 ({high.activation})"
        return f"{first}; by {other}, {high.in_words}."

    @property
    def _rivals(self) -> str:
        """The pair of optimizers that differs most, of those that differ beyond chance, all pairs considered."""
        resolved = [pair for pair in self.pairs if pair.mcnemar_p < LEVEL / len(self.pairs)]
        if not resolved:
            return ""
        pair = max(resolved, key=lambda pair: abs(pair.first_only - pair.second_only) / pair.starts)
        counts = dict(zip(pair.optimizers, (pair.first_only, pair.second_only), strict=True))
        more, fewer = sorted(counts, key=lambda name: -counts[name])
        rates = dict(zip(pair.optimizers, pair.learning_rates, strict=True))
        return (
            f"Of the second half's {pair.starts:,} starts of 2-{pair.width}-1 ({pair.activation}) from "
            f"{law_in_words(pair.law)}, {more} at {rates[more]:g} alone learns {counts[more]:,}, {fewer} at "
            f"{rates[fewer]:g} alone {counts[fewer]:,} (McNemar: p {p_in_words(pair.mcnemar_p, '= ')}); "
            f"optimizers differ in {len(resolved)} of {len(self.pairs)} such pairs."
        )

    @property
    def _reasons(self) -> str:
        if not self.failures:
            return "No start failed."
        total = sum(self.failures.values())
        shares = [f"{count / total:.0%} {kind}" for kind, count in self.failures.items()]
        return f"Why {total:,} failed: {', '.join(shares[:4])}."

    @property
    def _sureness(self) -> str:
        count = f"{self.agreeing:,} of {len(self.cells):,} cells"
        return f"Both halves of the starts give the same share, within chance, in {count}."


def law_in_words(law: str) -> str:
    """The law in words: `N(0, 0.01²)`, `uniform on [0, 1)`, `glorot`."""
    match law.split():
        case ["uniform", low, high]:
            return f"uniform on [{low}, {high})"
        case ["normal", deviation]:
            return f"N(0, {deviation}²)"
        case _:
            return law


def percent(share: float) -> str:
    """The share in per cent, without the sign: `29.9`, near the ends two digits of what is left: `0.052`, `99.9`."""
    if share < 0.01:
        return f"{100 * share:.2g}"
    if 0.99 < share < 1:
        digits = max(0, 1 - math.floor(math.log10(100 * (1 - share))))
        return f"{100 * share:.{digits}f}"
    return f"{100 * share:.3g}"


def _share(cell: StudyCell) -> float:
    return cell.share


def p_in_words(p: float, equals: str = "") -> str:
    """The p-value as a text: `< 0.001`, or two digits."""
    return "< 0.001" if p < 0.001 else f"{equals}{p:.2g}"
