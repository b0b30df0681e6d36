"""The document of `samegrad doctor`: what makes the contest unfair on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from samegrad.impls.documents.base import Count, Document, DocumentPart


class Handicap(DocumentPart, frozen=True, kw_only=True):
    """Something outside that slows or replaces a contestant: the name of the check, and its finding."""

    handicap: str
    sentence: str


class Doctor(Document, frozen=True, kw_only=True):
    """Every handicap that was found; the machine is fit where there is none."""

    FORMAT: ClassVar[str] = "samegrad-doctor"
    FOLDER: ClassVar[Path] = Path("reports/doctor")
    ORIGIN: ClassVar[str] = "doctor files are written by `samegrad doctor`"

    date: str
    fit: bool
    pinned_to: tuple[Count, ...]
    handicaps: tuple[Handicap, ...]
