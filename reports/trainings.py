"""The documents of `samegrad train`: one recipe in every framework, and which share of many starts converges."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reports.reading import document, mapping, mappings, number, sequence, text, texts

FORMAT, STARTS_FORMAT, VERSION = "samegrad-training", "samegrad-starts", 1
FOLDER, STARTS_FOLDER = Path("reports/trainings"), Path("reports/starts")
ORIGIN = "training files are written by `samegrad train`"


@dataclass(frozen=True)
class Curve:
    """One framework's training: its losses, their differences from the reference's, the farthest parameter's distance.

    All are at the marks of the training's `epochs`; NaN where unknown.
    """

    implementation: str
    losses: tuple[float, ...]
    differences: tuple[float, ...]
    distances: tuple[float, ...]
    times_shadow: float
    explained: bool
    seconds: float


@dataclass(frozen=True)
class Training:
    """One document: the curves beside the shadows' spread, comparable up to an epoch."""

    path: Path
    date: str
    recipe: dict[str, Any]
    epochs: tuple[float, ...]
    loss_spread: tuple[float, ...]
    distance_spread: tuple[float, ...]
    comparable_until: float
    curves: tuple[Curve, ...]
    left_out: dict[str, str]

    @property
    def title(self) -> str:
        """`xor with sgd, float64`."""
        optimizer = text(mapping(self.recipe.get("optimizer")).get("name"))
        shipped = ", as shipped" if self.recipe.get("as_shipped") is True else ""
        return f"{text(self.recipe.get('problem'))} with {optimizer}, {text(self.recipe.get('dtype'))}{shipped}"


@dataclass(frozen=True)
class Share:
    """One framework's share of converging starts, and the epochs that they needed, by percentile."""

    implementation: str
    share: float
    quantiles: dict[str, float]
    seconds: float


@dataclass(frozen=True)
class Starts:
    """One document: the same starts by every framework."""

    path: Path
    date: str
    count: int
    threshold: float
    shares: tuple[Share, ...]
    different: int
    agree: bool


def read(path: str | Path) -> Training:
    """Read one training. Raises RunFileError where it is missing, not JSON, cut off, not one, or newer."""
    path = Path(path)
    content = document(path, FORMAT, VERSION, ORIGIN)
    shadows = mapping(content.get("shadows"))
    return Training(
        path=path,
        date=text(content.get("date")),
        recipe=mapping(content.get("recipe")),
        epochs=_numbers(content.get("epochs")),
        loss_spread=_numbers(shadows.get("loss_spread")),
        distance_spread=_numbers(shadows.get("distance_spread")),
        comparable_until=number(shadows.get("comparable_until")),
        curves=tuple(_curve(run) for run in mappings(content.get("runs"))),
        left_out=texts(content.get("left_out")),
    )


def _curve(run: dict[str, Any]) -> Curve:
    return Curve(
        implementation=text(run.get("implementation")),
        losses=_numbers(run.get("losses")),
        differences=_numbers(run.get("loss_difference")),
        distances=_numbers(run.get("distance")),
        times_shadow=number(run.get("times_shadow")),
        explained=run.get("explained") is not False,
        seconds=number(run.get("seconds")),
    )


def read_starts(path: str | Path) -> Starts:
    """Read one document of many starts. Raises RunFileError as `read` does."""
    path = Path(path)
    content = document(path, STARTS_FORMAT, VERSION, ORIGIN)
    count = number(mapping(content.get("seeds")).get("count"))
    return Starts(
        path=path,
        date=text(content.get("date")),
        count=int(count) if count > 0 else 0,
        threshold=number(content.get("threshold")),
        shares=tuple(
            Share(
                implementation=text(run.get("implementation")),
                share=number(run.get("share")),
                quantiles={text(key): number(value) for key, value in mapping(run.get("quantiles")).items()},
                seconds=number(run.get("seconds")),
            )
            for run in mappings(content.get("runs"))
        ),
        different=len(sequence(content.get("different"))),
        agree=content.get("agree") is not False,
    )


def thinned(
    epochs: Sequence[float], values: Sequence[float], most: int, largest: bool
) -> tuple[list[float], list[float]]:
    """At most so many points: of each stretch of marks its first, or, of what jumps to and fro, its largest value."""
    step = max(1, -(-min(len(epochs), len(values)) // most))
    starts = range(0, min(len(epochs), len(values)), step)
    stretches = [[value for value in values[i : i + step] if math.isfinite(value)] for i in starts]
    told = [(epochs[i], max(of) if largest else of[0]) for i, of in zip(starts, stretches, strict=True) if of]
    return [epoch for epoch, _ in told], [value for _, value in told]


def _numbers(found: Any) -> tuple[float, ...]:
    return tuple(number(value) for value in sequence(found))
