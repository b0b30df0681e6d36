"""The document of `samegrad selfcheck --json`: what the clock found of known work, beside what it promises."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.results import units
from reports.reading import document, load, mapping, mappings, number, text

FORMAT, VERSION = "samegrad-selfcheck", 1
ORIGIN = "self-check files are written by `samegrad selfcheck --json`"
MET, WITHIN_CHANCE, MISSED = "met", "within chance", "missed"


WORDS = ("check", "condition", "what", "arm", "unit", "result")
NUMBERS = ("measured", "low", "high", "count", "at_least", "at_most")


@dataclass(frozen=True)
class Finding:
    """One figure of the self-check, its limits, and what was promised of it (NaN where nothing was)."""

    check: str
    condition: str
    what: str
    arm: str
    unit: str
    measured: float
    low: float
    high: float
    of: int
    count: float
    at_least: float
    at_most: float
    result: str

    @property
    def said(self) -> str:
        """`0 of 17 (0 %)`, `-0.92 %`, `9.6 ns`."""
        whole = f"{units.count(self.count)} of {self.of} = " if math.isfinite(self.count) else ""
        return whole + figure(self.measured, self.unit)

    @property
    def limits(self) -> str:
        """`0 % to 14.8 %`, or nothing."""
        known = math.isfinite(self.low) and math.isfinite(self.high)
        return f"{figure(self.low, self.unit)} to {figure(self.high, self.unit)}" if known else ""

    @property
    def promised(self) -> str:
        """`≤ 8 %`, `≥ 95 %`, `±1 %`, or nothing."""
        least, most = math.isfinite(self.at_least), math.isfinite(self.at_most)
        if least and most and self.at_least == -self.at_most:
            return f"±{_limit(self.at_most, self.unit)}"
        ends = [f"≥ {_limit(self.at_least, self.unit)}"] * least + [f"≤ {_limit(self.at_most, self.unit)}"] * most
        return " and ".join(ends)


@dataclass(frozen=True)
class Selfcheck:
    """One document. `busy_before` is the share of the CPUs that other processes used just before."""

    path: Path
    date: str
    seconds: float
    quick: bool
    busy_before: float
    environment: dict[str, Any]
    findings: tuple[Finding, ...]
    skipped: tuple[str, ...]

    @property
    def promises(self) -> list[Finding]:
        """The findings of which something was promised."""
        return [finding for finding in self.findings if finding.result]

    @property
    def same_against_itself(self) -> list[Finding]:
        """How often our clock saw a difference beyond its margin between equals."""
        return [f for f in self.promises if f.what == "A/A: false verdict beyond 1 %" and f.arm == "ours"]

    def summary(self) -> str:
        """`Of 37 promises 30 were kept, 5 not but within chance, and 2 were missed.`"""
        counts = Counter(finding.result for finding in self.promises)
        return (
            f"Of {len(self.promises)} promises {counts[MET]} were kept, {counts[WITHIN_CHANCE]} not kept but within "
            f"the chance that their counts leave, and {counts[MISSED]} missed."
        )


def is_one(content: dict[str, Any]) -> bool:
    """Whether that JSON object is such a document; the first ones had a number alone for their format."""
    return content.get("format") == FORMAT or (content.get("format") == 1 and "findings" in content)


def read(path: str | Path) -> Selfcheck:
    """Read one document. Raises RunFileError where it is missing, not JSON, cut off, not one, or newer."""
    path = Path(path)
    content = load(path, ORIGIN)
    if content.get("format") == FORMAT or not is_one(content):
        content = document(path, FORMAT, VERSION, ORIGIN)
    return Selfcheck(
        path=path,
        date=text(content.get("started")),
        seconds=number(content.get("seconds")),
        quick=content.get("quick") is True,
        busy_before=number(content.get("busy_before")),
        environment=mapping(content.get("environment")),
        findings=tuple(_finding(finding) for finding in mappings(content.get("findings"))),
        skipped=tuple(
            ": ".join(part for part in (text(entry.get(key)) for key in ("check", "condition", "reason")) if part)
            for entry in mappings(content.get("skipped"))
        ),
    )


def _finding(found: dict[str, Any]) -> Finding:
    of = number(found.get("of"))
    fields: dict[str, Any] = {key: text(found.get(key)) for key in WORDS}
    fields |= {key: number(found.get(key)) for key in NUMBERS}
    return Finding(**fields, of=int(of) if of > 0 else 0)


def figure(value: float, unit: str) -> str:
    """A figure in its unit: `20 %` of all, `+0.57 %` off, `25.0 µs`, `1.0061×`."""
    if not math.isfinite(value):
        return "–"
    if unit == "share":
        return f"{100 * value:.3g} %"
    if unit == "percent":
        return f"{value:+.2f} %"
    if unit == "ns":
        return units.time(value)
    return f"{value:.4f}×" if unit == "times" else f"{value:g} {unit}".strip()


def _limit(value: float, unit: str) -> str:
    return {"share": f"{100 * value:g} %", "percent": f"{value:g} %", "ns": f"{value:g} ns"}.get(unit, f"{value:g}×")
