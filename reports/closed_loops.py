"""The document of `samegrad optimizers --closed-loop --json`: what optimizers' differences become in training."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reports.reading import document, mapping, mappings, number, text, texts

FORMAT, VERSION = "samegrad-closed-loop", 1
ORIGIN = "closed-loop files are written by `samegrad optimizers --closed-loop --json`"


@dataclass(frozen=True)
class Followed:
    """One training by one framework: how many times as far from the textbook's as one rounding per step leads."""

    problem: str
    optimizer: str
    implementation: str
    epochs: float
    comparable_until: float
    times_shadow: float


@dataclass(frozen=True)
class ClosedLoops:
    """One document. More than `allowed` times the shadows is no rounding."""

    path: Path
    settings: dict[str, Any]
    allowed: float
    rows: tuple[Followed, ...]
    left_out: dict[str, str]

    @property
    def implementations(self) -> list[str]:
        """Every implementation, in the document's order."""
        return list(dict.fromkeys(row.implementation for row in self.rows))

    def is_explained(self, row: Followed) -> bool:
        """Whether rounding explains the distance."""
        return row.times_shadow <= self.allowed


def read(path: str | Path) -> ClosedLoops:
    """Read one document. Raises RunFileError where it is missing, not JSON, cut off, not one, or newer."""
    path = Path(path)
    content = document(path, FORMAT, VERSION, ORIGIN)
    settings = mapping(content.get("settings"))
    return ClosedLoops(
        path=path,
        settings=settings,
        allowed=number(settings.get("allowed")),
        rows=tuple(_followed(row) for row in mappings(content.get("rows"))),
        left_out=texts(content.get("left_out")) | texts(content.get("failed")),
    )


def _followed(row: dict[str, Any]) -> Followed:
    fields: dict[str, Any] = {key: text(row.get(key)) for key in ("problem", "optimizer", "implementation")}
    fields |= {key: number(row.get(key)) for key in ("epochs", "comparable_until", "times_shadow")}
    return Followed(**fields)
