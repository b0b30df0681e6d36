"""Cells of tables: what is shown, what it is sorted and saved by, and how it looks."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from samegrad.benchmarks.results import units
from samegrad.benchmarks.results.statistics import Interval
from samegrad.reports import style

Cell = str | dict[str, Any]


def cell(text: str, value: float | str | None = None, css: str = "") -> Cell:
    """A cell that shows `text` and is sorted and saved by `value` (by its text where that is None or NaN)."""
    if isinstance(value, float) and not math.isfinite(value):
        value = None
    return {"text": text, "value": value, "css": css} if css or value is not None else text


def time(ns: float | None) -> Cell:
    """A time, saved in nanoseconds."""
    return cell(units.time(ns), ns and _rounded(ns))


def memory(size_bytes: float) -> Cell:
    """An amount of memory, saved in bytes."""
    return cell(units.memory(size_bytes), size_bytes) if size_bytes > 0 else "–"


def ratio(value: float | None) -> Cell:
    """A ratio of two times."""
    return cell(units.ratio(value), value and _rounded(value))


def lines(ratio: Interval, *more: str | None) -> dict[str, Any]:
    """A ratio, its interval and further texts, one below the other."""
    texts = [f"{units.ratio(ratio.ratio)}×", units.interval(ratio.low, ratio.high), *more]
    return {"text": "\n".join(filter(None, texts)), "value": ratio.ratio, "css": "lines"}


def timed(ns: float, ratio: Interval | None) -> Cell:
    """A time, and below it its ratio to another with the interval."""
    return cell(units.time(ns) + (f"\n{lines(ratio)['text']}" if ratio else ""), _rounded(ns), css="lines")


def interval(low: float | None, high: float | None) -> Cell:
    """An interval of a ratio."""
    return cell(units.interval(low, high) or "–", css="number")


def times_interval(low: float, high: float) -> Cell:
    """An interval of a time in nanoseconds."""
    return cell(f"{units.time(low)} to {units.time(high)}" if math.isfinite(low + high) else "–", css="number")


def number(value: float | None, digits: int = 2) -> Cell:
    """A number without a unit, to this many significant digits."""
    return cell(units.significant(value, digits), value)


def small(value: float, digits: int = 1) -> Cell:
    """A distance, in powers of ten."""
    return cell(units.distance(value, digits), value)


def count(value: float) -> Cell:
    """A whole number: a batch, an epoch, a step."""
    return cell(units.count(value) if math.isfinite(value) else "–", value)


def name(implementation: str, looks: Mapping[str, style.Look]) -> Cell:
    """An implementation's name in its colour."""
    return cell(implementation, css=f"name {colour_class(looks[implementation].colour)}")


def verdict(word: str, notes: Sequence[str] = ()) -> Cell:
    """A verdict; the run file's own words, whatever they are, never become a class unless they are known."""
    return cell(", ".join(filter(None, (word, *notes))), css=word if word in ("faster", "slower", "equivalent") else "")


def judged(text: str, is_good: bool | None, value: float | str | None = None) -> Cell:
    """A cell in the colour of what is good or bad, or in neither for None."""
    return cell(text, value, {True: "equivalent", False: "slower", None: ""}[is_good])


def explained(is_explained: bool | None) -> Cell:
    """Whether rounding explains a difference; the alarm's colour where it does not."""
    return judged("yes" if is_explained else "no", None if is_explained else False)


def colour_class(colour: str) -> str:
    """The CSS class of a colour: `#0072B2` → `c0072B2`."""
    return "c" + colour.lstrip("#")


def _rounded(value: float) -> float:
    """Six significant digits: more than is measured, and little to store."""
    return float(f"{value:.6g}")
