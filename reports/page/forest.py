"""Points with their intervals, one under the other on one logarithmic scale: where each stands, in percent of it."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Scale:
    """A logarithmic scale from `low` to `high`."""

    low: float
    high: float

    def at(self, value: float) -> float:
        """Where the value stands, from 0 to 100, within the scale."""
        if self.high <= self.low:
            return 50.0
        share = math.log(value / self.low) / math.log(self.high / self.low) if value > 0 else 0.0
        return 100 * min(max(share, 0.0), 1.0)

    def mark(self, value: float, low: float, high: float) -> dict[str, Any]:
        """What the template draws of one number: its dot, and its interval where both ends are known."""
        told: dict[str, Any] = {"dot": f"{self.at(value):.2f}" if value > 0 else None, "start": None}
        if math.isfinite(low) and math.isfinite(high):
            told |= {"start": f"{self.at(low):.2f}", "width": f"{self.at(high) - self.at(low):.2f}"}
        return told


@dataclass(frozen=True)
class Row:
    """A name in the class of its colour, its mark, and what is said beside it; `ring` for an open dot."""

    name: str
    colour: str
    mark: dict[str, Any]
    said: str
    detail: str = ""
    ring: bool = False


def scale_of(values: Iterable[float]) -> Scale:
    """The scale that holds all positive values."""
    known = [value for value in values if math.isfinite(value) and value > 0]
    return Scale(min(known, default=1.0), max(known, default=1.0))
