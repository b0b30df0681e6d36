"""The document of `samegrad ladder`: goals beside what was measured, and the cost of a call taken apart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import ClassVar

from samegrad.benchmarks.documents.environment import Environment
from samegrad.benchmarks.documents.run import Noise
from samegrad.benchmarks.results import passes
from samegrad.impls.documents.base import Document, DocumentPart, Ratio, Rows, Time

MET, MISSED, NOT_RESOLVED, PREVIEW, SHOWN, NOT_MEASURED = (
    "met", "missed", "not resolved", "preview", "shown", "not measured",
)  # fmt: skip


class Goal(DocumentPart, frozen=True, kw_only=True):
    """A goal: `ours` is at least `factor` times faster than `theirs`, or, with `at_most`, at most so many times slower.

    ours: an implementation, or a framework for its best rung, which is `best`. A factor of null asks for the figure
    alone. `ratio` is what was measured, with its interval; null where nothing was. `kernels`: the variable that forced
    those of BLAS, or that they were its own choice; null where none was set that makes a difference.
    """

    ours: str
    theirs: str
    batch: Rows
    factor: Ratio | None
    at_most: bool
    pass_name: str
    best: str | None
    ratio: Ratio | None
    low: Ratio | None
    high: Ratio | None
    word: str
    kernels: str | None = None

    @property
    def in_words(self) -> str:
        """The goal in words: `numpy (numpy-fast) faster than numpy-tutorial`."""
        best = f" ({self.best})" if self.best not in (None, self.ours) else ""
        return f"{self.ours}{best} {self.compared}"

    @property
    def compared(self) -> str:
        """The comparison in words: `faster than numpy-tutorial`."""
        pass_ = "" if self.pass_name == "value_and_grad" else f", {passes.title(self.pass_name)}"
        kernels = f", {self.kernels}" if self.kernels else ""
        return f"{'slower' if self.at_most else 'faster'} than {self.theirs}{pass_}{kernels}"

    @property
    def target(self) -> str:
        """The factor as a text: `≥ 4.5×`, `≤ 3×`, or `–` where only the figure was asked for."""
        return "–" if self.factor is None else f"{'≤' if self.at_most else '≥'} {self.factor:g}×"

    def reached(self, ratio: float) -> float:
        """How much of the goal that ratio is: 1 or more where it is met. Of a goal with a factor."""
        assert self.factor is not None
        return self.factor / ratio if self.at_most else ratio / self.factor


@dataclass(frozen=True)
class CallCost:
    """One implementation's call in parts, each with its times in ns in several processes."""

    implementation: str
    parts: dict[str, tuple[float, ...]]

    @property
    def medians_ns(self) -> dict[str, float]:
        """The median over the processes of every part."""
        return {part: median(times) for part, times in self.parts.items()}

    @property
    def total_ns(self) -> float:
        """The sum of the parts' medians."""
        return sum(self.medians_ns.values())


def reason_of(parts: Mapping[str, object]) -> str | None:
    """The reason why an implementation has no sample; None where it has some."""
    reason = parts.get("unavailable") or parts.get("failed")
    return None if reason is None else str(reason)


class Ladder(Document, frozen=True, kw_only=True):
    """Every rung beside its goals. `medians_ns` are by group and implementation; `call_cost_ns` has, by
    implementation and part of a call, a time in ns for each process (a difference of two times, which may be below 0),
    or under `unavailable` or `failed` why there is none.
    """

    FORMAT: ClassVar[str] = "samegrad-ladder"
    FOLDER: ClassVar[Path] = Path("reports/ladders")
    ORIGIN: ClassVar[str] = "ladder files are written by `samegrad ladder`"

    started: str
    environment: Environment
    goals: tuple[Goal, ...]
    medians_ns: dict[str, dict[str, Time]]
    call_cost_ns: dict[str, dict[str, tuple[float, ...] | str]]
    left_out: dict[str, str]
    noise: Noise

    @property
    def summary(self) -> str:
        """The outcome in one sentence: `Of 22 goals: 14 met, 4 missed, 4 not resolved.`"""
        counts = Counter(goal.word for goal in self.goals if goal.word != SHOWN)
        words = [
            f"{counts[word]} {word}" for word in (MET, MISSED, NOT_RESOLVED, PREVIEW, NOT_MEASURED) if counts[word]
        ]
        return f"Of {counts.total()} goals: {', '.join(words)}."

    def __post_init__(self) -> None:
        for name, parts in self.call_cost_ns.items():
            if reason_of(parts) is None and not all(isinstance(times, tuple) and times for times in parts.values()):
                raise ValueError(f"call_cost_ns of {name} needs times for every part")

    @property
    def costs(self) -> list[CallCost]:
        """The calls that were taken apart, the quickest first."""
        costs = [
            CallCost(name, {part: tuple(times) for part, times in parts.items() if not isinstance(times, str)})
            for name, parts in self.call_cost_ns.items()
            if reason_of(parts) is None
        ]
        return sorted(costs, key=lambda cost: cost.total_ns)

    @property
    def absent(self) -> dict[str, str]:
        """Why a case and implementation, or a call, could not be measured."""
        reasons = {name: reason_of(parts) for name, parts in self.call_cost_ns.items()}
        return self.left_out | {name: reason for name, reason in reasons.items() if reason}

    @property
    def doubts(self) -> tuple[str, ...]:
        """Why the run calls itself noisy."""
        return self.noise.reasons if self.noise.noisy else ()

    @property
    def implementations(self) -> list[str]:
        """Every implementation whose call was taken apart, the quickest first, or that is the best of a goal."""
        named = [cost.implementation for cost in self.costs] + [goal.best for goal in self.goals if goal.best]
        return list(dict.fromkeys(named))
