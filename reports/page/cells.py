"""Cells of the page's tables: what is shown, what it is sorted and saved by, and how it looks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from samegrad.benchmarks.results import units
from samegrad.reports import style

Cell = str | dict[str, Any]


def cell(text: str, value: float | str | None = None, css: str = "") -> Cell:
    """A cell that shows `text` and is sorted and saved by `value` (by its text where that is None or NaN)."""
    if isinstance(value, float) and not math.isfinite(value):
        value = None
    return {"text": text, "value": value, "css": css} if css or value is not None else text


def time(ns: float) -> Cell:
    """A time, saved in nanoseconds."""
    return cell(units.time(ns), _rounded(ns))


def memory(found_bytes: float) -> Cell:
    """An amount of memory, saved in bytes."""
    return cell(f"{found_bytes / 2**20:,.0f} MiB", found_bytes) if found_bytes > 0 else "–"


def ratio(value: float) -> Cell:
    """A ratio of two times."""
    return cell(units.ratio(value), _rounded(value))


def batch(value: int) -> Cell:
    """A batch."""
    return cell(units.count(value), value)


def name(implementation: str, looks: dict[str, style.Look]) -> Cell:
    """An implementation's name in its colour."""
    return cell(implementation, css=f"name {colour_class(looks[implementation].colour)}")


def verdict(word: str, notes: Sequence[str] = ()) -> Cell:
    """A verdict; the run file's own words, whatever they are, never become a class unless they are known."""
    return cell(", ".join(filter(None, (word, *notes))), css=word if word in ("faster", "slower", "equivalent") else "")


def colour_class(colour: str) -> str:
    """The CSS class of a colour: `#0072B2` → `c0072B2`."""
    return "c" + colour.lstrip("#")


def _rounded(value: float) -> float:
    """Six significant digits: more than is measured, and little to store."""
    return float(f"{value:.6g}")
