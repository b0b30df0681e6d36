"""The document of `samegrad conformance`: what an implementation makes of every clause of the contract."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from samegrad.impls.documents.base import Document, DocumentPart


class FaultEntry(DocumentPart, frozen=True, kw_only=True):
    """One way in which a clause does not hold, and in which case."""

    case: str
    sentence: str


class Clause(DocumentPart, frozen=True, kw_only=True):
    """A clause of the contract; `holds` is null where it was not examined."""

    clause: str
    says: str
    holds: bool | None
    faults: tuple[FaultEntry, ...]


class Conformance(Document, frozen=True, kw_only=True):
    """Every clause; or in `ended` how the process that ran the implementation ended."""

    FORMAT: ClassVar[str] = "samegrad-conformance"
    FOLDER: ClassVar[Path] = Path("reports/conformance")
    ORIGIN: ClassVar[str] = "conformance files are written by `samegrad conformance`"

    date: str
    implementation: str
    left_out: dict[str, str]
    clauses: tuple[Clause, ...]
    conforms: bool
    ended: str | None = None
