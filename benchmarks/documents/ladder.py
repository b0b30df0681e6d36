"""The document of `samegrad ladder`: goals beside what was measured, and the cost of a call taken apart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import ClassVar

from samegrad.benchmarks.documents.run import Environment, Noise
from samegrad.benchmarks.results import passes
from samegrad.impls.documents.base import Document, Part, Ratio, Rows, Time

MET, MISSED, NOT_RESOLVED, PREVIEW, SHOWN, NOT_MEASURED = (
    "met", "missed", "not resolved", "preview", "shown", "not measured",
)  # fmt: skip


class Goal(Part, frozen=True, kw_only=True):
    """That `ours` is at least `factor` times faster than `theirs`, or, with `at_most`, at most so many times slower.

    ours: an implementation, or a framework for its best rung, which is `best`. A factor of null asks for the figure
    alone. `ratio` is what was measured, with its interval; null where nothing was.
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

    @property
    def said(self) -> str:
        """`numpy (numpy-fast) faster than numpy-tutorial`."""
        best = f" ({self.best})" if self.best not in (None, self.ours) else ""
        pass_ = "" if self.pass_name == "value_and_grad" else f", {passes.title(self.pass_name)}"
        return f"{self.ours}{best} {'slower' if self.at_most else 'faster'} than {self.theirs}{pass_}"

    @property
    def target(self) -> str:
        """`≥ 4.5×`, `≤ 3×`, or `–` where only the figure was asked for."""
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


def said_of(parts: Mapping[str, object]) -> str | None:
    """Why there is no sample of an implementation, if there is none."""
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

    def __post_init__(self) -> None:
        for name, parts in self.call_cost_ns.items():
            if said_of(parts) is None and not all(isinstance(times, tuple) and times for times in parts.values()):
                raise ValueError(f"call_cost_ns of {name} needs times for every part")

    @property
    def costs(self) -> list[CallCost]:
        """The calls that were taken apart, the quickest first."""
        found = [
            CallCost(name, {part: tuple(times) for part, times in parts.items() if not isinstance(times, str)})
            for name, parts in self.call_cost_ns.items()
            if said_of(parts) is None
        ]
        return sorted(found, key=lambda cost: cost.total_ns)

    @property
    def absent(self) -> dict[str, str]:
        """Why a case and implementation, or a call, could not be measured."""
        reasons = {name: said_of(parts) for name, parts in self.call_cost_ns.items()}
        return self.left_out | {name: reason for name, reason in reasons.items() if reason}

    @property
    def doubts(self) -> tuple[str, ...]:
        """Why the run calls itself noisy."""
        return self.noise.reasons if self.noise.noisy else ()

    @property
    def implementations(self) -> list[str]:
        """Every implementation whose call was taken apart, the quickest first, or that stands for a goal."""
        named = [cost.implementation for cost in self.costs] + [goal.best for goal in self.goals if goal.best]
        return list(dict.fromkeys(named))
