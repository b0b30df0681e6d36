"""The document of `samegrad agree`: τ over scales and seeds, drift beside its shadows, and known faults."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, ClassVar

import msgspec

from samegrad.impls.documents.base import Count, Distance, Document, DocumentPart, Rows

MISSING = -1.0
"""The place of a figure that a row does not have."""


class AgreeRow(DocumentPart, frozen=True, kw_only=True, omit_defaults=True):
    """One tensor at one problem, dtype and scale, the worst over the seeds; or why that case was left out.

    `tau` is null where it is infinite: nothing could be compared.
    """

    implementation: str
    problem: str
    dtype: str
    scale: float
    pass_: str = msgspec.field(name="pass", default="")
    tensor: str = ""
    tau: Distance | None = MISSING
    seed: Count = 0
    error_ulp_median: Distance | None = MISSING
    error_ulp_worst: Distance | None = MISSING
    disagreement: str | None = None
    left_out: str | None = None

    def __post_init__(self) -> None:
        figures = (self.tau, self.error_ulp_median, self.error_ulp_worst)
        if self.left_out is None and not (self.pass_ and self.tensor and MISSING not in figures):
            raise ValueError("needs `pass`, `tensor`, `tau` and both errors in ULP, or `left_out`")

    @property
    def worst(self) -> float:
        """τ, infinite where nothing could be compared."""
        return math.inf if self.tau is None else self.tau


class AgreeSettings(DocumentPart, frozen=True, kw_only=True):
    """What was asked."""

    problems: tuple[str, ...]
    dtypes: tuple[str, ...]
    scales: tuple[float, ...]
    seeds: tuple[Count, ...]
    device: str
    batch: Rows
    threads: Rows


class Agree(DocumentPart, frozen=True, kw_only=True):
    """τ of every tensor. `left_out` and `failed` map an implementation to the reason."""

    settings: AgreeSettings
    versions: dict[str, dict[str, str]]
    rows: tuple[AgreeRow, ...]
    left_out: dict[str, str]
    failed: dict[str, str] = {}


class DriftRow(DocumentPart, frozen=True, kw_only=True, omit_defaults=True):
    """The farthest parameter from the float64 trajectory after a step; or why the case was left out.

    `times_shadow` is the distance over that of the farthest shadow.
    """

    implementation: str
    problem: str
    dtype: str
    step: Count = 0
    distance: Distance = MISSING
    tensor: str = ""
    index: tuple[Count, ...] = ()
    times_shadow: Distance = MISSING
    explained: bool | None = None
    left_out: str | None = None

    def __post_init__(self) -> None:
        known = self.step and self.tensor and self.explained is not None
        if self.left_out is None and not (known and min(self.distance, self.times_shadow) >= 0):
            raise ValueError("needs `step`, `tensor`, `distance`, `times_shadow` and `explained`, or `left_out`")


class ShadowRow(DocumentPart, frozen=True, kw_only=True):
    """How far rounding alone leads: the median and the largest distance of the shadows."""

    problem: str
    dtype: str
    step: Rows
    median: Distance
    largest: Distance


class DriftSettings(DocumentPart, frozen=True, kw_only=True):
    """What was asked."""

    steps: tuple[Rows, ...]
    learning_rate: float
    seed: Count
    batch: Rows
    shadows: Rows
    device: str


class Drift(DocumentPart, frozen=True, kw_only=True):
    """Training beside float64. `left_out` and `failed` map an implementation to the reason."""

    settings: DriftSettings
    shadows: tuple[ShadowRow, ...]
    rows: tuple[DriftRow, ...]
    left_out: dict[str, str]
    failed: dict[str, str] = {}


class FaultRow(DocumentPart, frozen=True, kw_only=True):
    """A known fault of a framework; `present` is null where it could not be tried."""

    name: str
    what: str
    cure: str
    source: str
    present: bool | None
    evidence: str
    versions: dict[str, str]


class AgreementDocument(Document, frozen=True, kw_only=True):
    """Agreement, drift (null if it was not asked for) and known faults of the implementations."""

    FORMAT: ClassVar[str] = "samegrad-agreement"
    FOLDER: ClassVar[Path] = Path("reports/agreements")
    ORIGIN: ClassVar[str] = "agreement files are written by `samegrad agree`"

    date: str
    python: str
    machine: str
    agree: Agree
    drift: Drift | None
    known_faults: tuple[FaultRow, ...]

    @property
    def taus(self) -> list[AgreeRow]:
        """The rows that were measured."""
        return [row for row in self.agree.rows if row.left_out is None]

    @property
    def distances(self) -> list[DriftRow]:
        """The rows of the drift that were measured."""
        return [row for row in self.drift.rows if row.left_out is None] if self.drift else []

    @property
    def shadows(self) -> tuple[ShadowRow, ...]:
        """The shadows' rows of the drift."""
        return self.drift.shadows if self.drift else ()

    @property
    def left_out(self) -> dict[str, str]:
        """Why an implementation could not be measured."""
        return self.agree.left_out | (self.drift.left_out if self.drift else {})

    @property
    def implementations(self) -> list[str]:
        """Every implementation that was measured, in the document's order."""
        rows: list[Any] = [*self.taus, *self.distances]
        return list(dict.fromkeys(row.implementation for row in rows))
