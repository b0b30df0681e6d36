"""The document of `samegrad agree`: τ over scales and seeds, drift beside its shadows, and known faults."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reports.reading import document, mapping, mappings, number, sequence, text, texts

FORMAT, VERSION = "samegrad-agreement", 1
FOLDER = Path("reports/agreements")
ORIGIN = "agreement files are written by `samegrad agree`"


@dataclass(frozen=True)
class Tau:
    """The largest τ of one tensor over the seeds: infinite where it could not be compared."""

    implementation: str
    problem: str
    dtype: str
    scale: float
    pass_: str
    tensor: str
    tau: float
    error_ulp_median: float
    error_ulp_worst: float
    disagreement: str


@dataclass(frozen=True)
class Distance:
    """The farthest parameter from the float64 trajectory after so many steps, and over the farthest shadow's."""

    implementation: str
    problem: str
    dtype: str
    step: int
    distance: float
    tensor: str
    times_shadow: float
    explained: bool


@dataclass(frozen=True)
class Shadow:
    """How far rounding alone leads: the median and the largest distance of the shadows."""

    problem: str
    dtype: str
    step: int
    median: float
    largest: float


@dataclass(frozen=True)
class Fault:
    """A known fault of a framework, and whether it is present in the versions that were tried."""

    name: str
    what: str
    cure: str
    source: str
    present: bool | None
    evidence: str
    versions: str


@dataclass(frozen=True)
class Agreement:
    """One document. `left_out` maps an implementation to why it could not be measured."""

    path: Path
    date: str
    settings: dict[str, Any]
    taus: tuple[Tau, ...]
    distances: tuple[Distance, ...]
    shadows: tuple[Shadow, ...]
    faults: tuple[Fault, ...]
    left_out: dict[str, str]

    @property
    def implementations(self) -> list[str]:
        """Every implementation that was measured, in the document's order."""
        named = [tau.implementation for tau in self.taus] + [distance.implementation for distance in self.distances]
        return list(dict.fromkeys(named))


def read(path: str | Path) -> Agreement:
    """Read one document. Raises RunFileError where it is missing, not JSON, cut off, not one, or newer."""
    path = Path(path)
    content = document(path, FORMAT, VERSION, ORIGIN)
    agree, drift = mapping(content.get("agree")), mapping(content.get("drift"))
    left_out = {**texts(agree.get("left_out")), **texts(drift.get("left_out"))}
    return Agreement(
        path=path,
        date=text(content.get("date")),
        settings=mapping(agree.get("settings")),
        taus=tuple(_tau(row) for row in mappings(agree.get("rows")) if "tensor" in row),
        distances=tuple(_distance(row) for row in mappings(drift.get("rows")) if number(row.get("step")) >= 1),
        shadows=tuple(_shadow(row) for row in mappings(drift.get("shadows")) if number(row.get("step")) >= 1),
        faults=tuple(_fault(fault) for fault in mappings(content.get("known_faults"))),
        left_out=left_out,
    )


def _tau(row: dict[str, Any]) -> Tau:
    tau = number(row.get("tau"))
    return Tau(
        implementation=text(row.get("implementation")),
        problem=text(row.get("problem")),
        dtype=text(row.get("dtype")),
        scale=number(row.get("scale")),
        pass_=text(row.get("pass")),
        tensor=text(row.get("tensor")),
        tau=math.inf if math.isnan(tau) else tau,
        error_ulp_median=number(row.get("error_ulp_median")),
        error_ulp_worst=number(row.get("error_ulp_worst")),
        disagreement=text(row.get("disagreement")),
    )


def _distance(row: dict[str, Any]) -> Distance:
    return Distance(
        implementation=text(row.get("implementation")),
        problem=text(row.get("problem")),
        dtype=text(row.get("dtype")),
        step=int(number(row.get("step"))),
        distance=number(row.get("distance")),
        tensor=text(row.get("tensor")),
        times_shadow=number(row.get("times_shadow")),
        explained=row.get("explained") is not False,
    )


def _shadow(row: dict[str, Any]) -> Shadow:
    return Shadow(
        problem=text(row.get("problem")),
        dtype=text(row.get("dtype")),
        step=int(number(row.get("step"))),
        median=number(row.get("median")),
        largest=number(row.get("largest")),
    )


def _fault(fault: dict[str, Any]) -> Fault:
    present = fault.get("present")
    versions = ", ".join(f"{text(name)} {text(version)}" for name, version in mapping(fault.get("versions")).items())
    name, what, cure, source, evidence = (
        text(fault.get(key)) for key in ("name", "what", "cure", "source", "evidence")
    )
    return Fault(name, what, cure, source, present if isinstance(present, bool) else None, evidence, versions)


def seeds(agreement: Agreement) -> str:
    """`5 seeds`, as far as the document says."""
    found = sequence(agreement.settings.get("seeds"))
    return f"{len(found)} seed{'' if len(found) == 1 else 's'}" if found else "some seeds"
