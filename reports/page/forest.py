"""Points with their intervals, one under the other on one logarithmic scale: the position of each, in percent."""

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
        """The position of the value within the scale, from 0 to 100."""
        if self.high <= self.low:
            return 50.0
        share = math.log(value / self.low) / math.log(self.high / self.low) if value > 0 else 0.0
        return 100 * min(max(share, 0.0), 1.0)

    def mark(self, value: float, low: float, high: float) -> dict[str, Any]:
        """Positions for the template: the dot, and the interval if both ends are known."""
        mark: dict[str, Any] = {"dot": f"{self.at(value):.2f}" if value > 0 else None, "start": None}
        if math.isfinite(low) and math.isfinite(high):
            mark |= {"start": f"{self.at(low):.2f}", "width": f"{self.at(high) - self.at(low):.2f}"}
        return mark


@dataclass(frozen=True)
class Row:
    """One row: a name, the class of its colour, its mark, and the text beside it; `ring` draws an open dot."""

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
