"""The document of `samegrad selfcheck`: what the clock found of known work, beside what it promises."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import ClassVar, Literal

from samegrad.benchmarks.documents.environment import Environment
from samegrad.benchmarks.results import units
from samegrad.impls.documents.base import Count, Document, DocumentPart, Seconds, Share

MET, WITHIN_CHANCE, MISSED = "met", "within chance", "missed"
Unit = Literal["share", "percent", "ns", "times"]
BUSY = 0.1
"""The share of the CPUs above which a machine is not called quiet."""


class Finding(DocumentPart, frozen=True, kw_only=True):
    """One figure of the self-check.

    `low` and `high` are 95 % limits: exact binomial (Clopper and Pearson, Biometrika 26, 1934) for a share, Student's t
    for a mean. It rests on `of` trials; of a share, `count` is the number of hits among them. `result` is null where
    nothing is promised.
    """

    check: str
    condition: str
    what: str
    arm: str
    unit: Unit
    measured: float
    low: float | None
    high: float | None
    of: Count
    count: Count | None = None
    at_most: float | None = None
    at_least: float | None = None
    result: str | None = None

    @property
    def in_words(self) -> str:
        """The figure as a text: `0 of 17 = 0 %`, `-0.92 %`, `9.6 ns`."""
        whole = f"{units.count(self.count)} of {self.of} = " if self.count is not None else ""
        return whole + figure(self.measured, self.unit)

    @property
    def limits(self) -> str:
        """The limits of the figure as a text: `0 to 14.8 %`, `988 ns to 1.01 µs`, or nothing."""
        if self.low is None or self.high is None:
            return ""
        low, high = figure(self.low, self.unit), figure(self.high, self.unit)
        number, _, unit = low.rpartition(" ")
        return f"{number if number and high.endswith(f' {unit}') else low} to {high}"

    @property
    def outcome(self) -> str:
        """The promise and its result: `≤ 8 %: met`, or nothing where nothing is promised."""
        return f"{self.promised}: {self.result}" if self.result else self.promised

    @property
    def promised(self) -> str:
        """The promise as a text: `≤ 8 %`, `≥ 95 %`, `±1 %`, or nothing."""
        least, most = self.at_least, self.at_most
        if least is not None and most is not None and least == -most:
            return f"±{_limit(most, self.unit)}"
        ends = [] if least is None else [f"≥ {_limit(least, self.unit)}"]
        return " and ".join(ends + ([] if most is None else [f"≤ {_limit(most, self.unit)}"]))


class SkippedCheck(DocumentPart, frozen=True, kw_only=True):
    """A check that could not be measured, and why."""

    check: str
    condition: str
    reason: str


class Selfcheck(Document, frozen=True, kw_only=True):
    """`busy_before` is the share of the CPUs that other processes used just before: "quiet" is only as quiet as that.

    In the first such files, `format` is a number alone.
    """

    FORMAT: ClassVar[str] = "samegrad-selfcheck"
    FOLDER: ClassVar[Path] = Path("reports/selfchecks")
    ORIGIN: ClassVar[str] = "self-check files are written by `samegrad selfcheck`"

    KEY: ClassVar[str | None] = "findings"

    format: Literal["samegrad-selfcheck", 1]  # type: ignore[assignment]
    started: str
    seconds: Seconds
    quick: bool
    busy_before: Share
    environment: Environment
    findings: tuple[Finding, ...]
    skipped: tuple[SkippedCheck, ...]
    format_version: int = 1

    @property
    def promises(self) -> list[Finding]:
        """The findings of which something was promised."""
        return [finding for finding in self.findings if finding.result]

    @property
    def same_against_itself(self) -> list[Finding]:
        """How often our clock saw a difference beyond its margin between equals."""
        return [f for f in self.promises if f.what == "A/A: false verdict beyond 1 %" and f.arm == "ours"]

    @property
    def summary(self) -> str:
        """One sentence on all: `Of 37 promises 30 were kept, 5 not but within chance, and 2 were missed.`"""
        counts = Counter(finding.result for finding in self.promises)
        return (
            f"Of {len(self.promises)} promises {counts[MET]} were kept, {counts[WITHIN_CHANCE]} not kept but within "
            f"the chance that their counts leave, and {counts[MISSED]} missed."
        )

    @property
    def warnings(self) -> list[str]:
        """Why its figures may not be those of a quiet machine."""
        if self.busy_before <= BUSY:
            return []
        return [f"The machine was not quiet: others used {100 * self.busy_before:.0f} % of its CPUs just before."]


def figure(value: float | None, unit: str) -> str:
    """A figure in its unit: `20 %` of all, `+0.57 %` off, `25.0 µs`, `1.0061×`."""
    if value is None:
        return "–"
    if unit == "share":
        return f"{100 * value:.3g} %"
    if unit == "percent":
        return f"{value:+.{2 if abs(value) < 10 else 1 if abs(value) < 100 else 0}f} %"
    return units.time(value) if unit == "ns" else f"{value:.4f}×"


def _limit(value: float, unit: str) -> str:
    return {"share": f"{100 * value:g} %", "percent": f"{value:g} %", "ns": f"{value:g} ns"}.get(unit, f"{value:g}×")
