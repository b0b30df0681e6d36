"""How many planted mistakes each gradient checker lets pass: the document of `samegrad.benchmarks.sharpness`."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Literal

from samegrad.impls.documents.base import Count, Document, DocumentPart


class RightCode(DocumentPart, frozen=True, kw_only=True):
    """Right code, naive and stable, in both dtypes and at all scales, and how often ours calls it wrong."""

    cases: Count
    false_alarms: Count


class CrossEntropy(DocumentPart, frozen=True, kw_only=True):
    """How often our checker is wrong on networks with a cross-entropy: mistakes missed, and right code called wrong."""

    planted_per_scale: Count
    missed: dict[str, Count]
    right_code: Count
    false_alarms: Count


class Sharpness(Document, frozen=True, kw_only=True):
    """Counts by scale of the parameters, and by checker. The first such files have a number alone as their format."""

    FORMAT: ClassVar[str] = "samegrad-sharpness"
    FOLDER: ClassVar[Path] = Path("reports/sharpness")
    ORIGIN: ClassVar[str] = "sharpness files are written by `python -m samegrad.benchmarks.sharpness`"

    KEY: ClassVar[str | None] = "planted_per_scale"

    format: Literal["samegrad-sharpness", 1]  # type: ignore[assignment]
    date: str
    versions: dict[str, str]
    networks: Count
    mistakes: tuple[str, ...]
    planted_per_scale: Count
    missed: dict[str, dict[str, Count]]
    downcasts_planted: Count
    downcasts_missed: dict[str, Count]
    right_code_per_scale: Count
    false_alarms: dict[str, dict[str, Count]]
    ours_right_code: RightCode
    cross_entropy: CrossEntropy | None = None
    format_version: int = 1
    missed_by_mistake: dict[str, dict[str, dict[str, Count]]] = {}

    def __post_init__(self) -> None:
        if any(set(of) != set(self.downcasts_missed) for of in self.missed.values()):
            raise ValueError("`missed` needs the checkers of `downcasts_missed` at every scale")

    @property
    def checkers(self) -> list[str]:
        """Every checker, ours first."""
        return list(self.downcasts_missed)

    def alarms(self, checker: str) -> tuple[int, int]:
        """How often it calls right code wrong, and of how many cases."""
        if checker not in self.false_alarms:
            return self.ours_right_code.false_alarms, self.ours_right_code.cases
        by_scale = self.false_alarms[checker]
        return sum(by_scale.values()), self.right_code_per_scale * len(by_scale)
