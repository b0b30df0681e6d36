"""The document of `samegrad ladder --json`: goals beside what was measured, and the cost of a call taken apart."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.results import passes
from reports.reading import document, mapping, mappings, number, sequence, text, texts

FORMAT, VERSION = "samegrad-ladder", 1
ORIGIN = "ladder files are written by `samegrad ladder --json`"
MET, MISSED = "met", "missed"


@dataclass(frozen=True)
class Goal:
    """That `ours` is at least `factor` times faster than `theirs`, or, with `at_most`, at most so many times slower.

    `best` is the rung that stands for `ours`, and `ratio` (from `low` to `high`) what was measured; NaN where unknown.
    """

    ours: str
    best: str
    theirs: str
    pass_: str
    batch: int
    factor: float
    at_most: bool
    ratio: float
    low: float
    high: float
    word: str

    @property
    def said(self) -> str:
        """`numpy (numpy-fast) faster than numpy-tutorial`."""
        best = f" ({self.best})" if self.best not in ("", self.ours) else ""
        pass_ = "" if self.pass_ in ("", "value_and_grad") else f", {passes.title(self.pass_)}"
        return f"{self.ours}{best} {'slower' if self.at_most else 'faster'} than {self.theirs}{pass_}"

    def reached(self, ratio: float) -> float:
        """How much of the goal that ratio is: 1 or more where it is met."""
        return self.factor / ratio if self.at_most else ratio / self.factor


@dataclass(frozen=True)
class CallCost:
    """One implementation's call in parts, each with its times in ns in several processes; or why there is none."""

    implementation: str
    parts: dict[str, tuple[float, ...]]
    reason: str

    @property
    def medians_ns(self) -> dict[str, float]:
        """The median over the processes of every part."""
        return {part: median(times) for part, times in self.parts.items()}

    @property
    def total_ns(self) -> float:
        """The sum of the parts' medians."""
        return sum(self.medians_ns.values())


@dataclass(frozen=True)
class Ladder:
    """One document. `left_out` maps a case and implementation to why it could not be measured."""

    path: Path
    date: str
    environment: dict[str, Any]
    goals: tuple[Goal, ...]
    costs: tuple[CallCost, ...]
    left_out: dict[str, str]
    doubts: tuple[str, ...]

    @property
    def implementations(self) -> list[str]:
        """Every implementation whose call was taken apart, the quickest first, or that stands for a goal."""
        named = [cost.implementation for cost in self.costs] + [goal.best for goal in self.goals if goal.best]
        return list(dict.fromkeys(named))


def read(path: str | Path) -> Ladder:
    """Read one document. Raises RunFileError where it is missing, not JSON, cut off, not one, or newer."""
    path = Path(path)
    content = document(path, FORMAT, VERSION, ORIGIN)
    costs = [_cost(text(name), mapping(told)) for name, told in mapping(content.get("call_cost_ns")).items()]
    noise = mapping(content.get("noise"))
    return Ladder(
        path=path,
        date=text(content.get("started")),
        environment=mapping(content.get("environment")),
        goals=tuple(_goal(goal) for goal in mappings(content.get("goals"))),
        costs=tuple(sorted((cost for cost in costs if cost.parts), key=lambda cost: cost.total_ns)),
        left_out=texts(content.get("left_out")) | {cost.implementation: cost.reason for cost in costs if cost.reason},
        doubts=tuple(text(reason) for reason in sequence(noise.get("reasons"))) if noise.get("noisy") is True else (),
    )


def _goal(goal: dict[str, Any]) -> Goal:
    batch = number(goal.get("batch"))
    fields: dict[str, Any] = {key: text(goal.get(key)) for key in ("ours", "best", "theirs", "word")}
    fields |= {key: number(goal.get(key)) for key in ("factor", "ratio", "low", "high")}
    at_most, pass_ = goal.get("at_most") is True, text(goal.get("pass_name"))
    return Goal(**fields, pass_=pass_, batch=int(batch) if batch > 0 else 0, at_most=at_most)


def _cost(name: str, told: dict[str, Any]) -> CallCost:
    parts = {text(part): tuple(ns for ns in map(number, sequence(times)) if ns == ns) for part, times in told.items()}
    return CallCost(
        implementation=name,
        parts={part: times for part, times in parts.items() if times},
        reason=text(told.get("unavailable") or told.get("failed")),
    )
