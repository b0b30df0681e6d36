"""Numbers for people: a time with its unit, a ratio, an interval, each with the digits that can be believed."""

from __future__ import annotations

from collections.abc import Sequence
from math import floor, isfinite, log10

STEPS = ((1e9, "s"), (1e6, "ms"), (1e3, "µs"), (1.0, "ns"))


def significant(value: float | None, digits: int = 3) -> str:
    """The value to this many significant digits, thousands separated, never in powers of ten below 10¹⁵."""
    if value is None or not isfinite(value):
        return "–"
    if value == 0:
        return "0"
    decimals = digits - 1 - floor(log10(abs(value)))
    value = round(value, decimals)
    decimals = digits - 1 - floor(log10(abs(value)))  # 9.996 has become 10.00: one decimal fewer
    return f"{value:.1e}" if decimals > 6 or decimals < -12 else f"{value:,.{max(decimals, 0)}f}"


def time(ns: float | None, digits: int = 3) -> str:
    """A time given in nanoseconds, in the unit that leaves one to three digits before the point: `18.2 µs`."""
    if ns is None or not isfinite(ns):
        return "–"
    rounds_up = 1 - 0.5 * 10.0**-digits  # 999.6 µs to three digits is 1.00 ms
    divisor, unit = next(((d, u) for d, u in STEPS if abs(ns) >= rounds_up * d), STEPS[-1])
    return f"{significant(ns / divisor, digits)} {unit}"


def ratio(value: float | None, digits: int = 3) -> str:
    """A ratio of two times: `1.04`, `4.12`, `18.3`, `340`; with four digits where 1 % matters."""
    return significant(value, digits)


DIGITS_OF_CHANGE = 4
"""Significant digits of a ratio of environments: one more than elsewhere, as a margin of 1 % would be lost in three."""
MOST_KNOWN = 100.0
"""An interval whose ends are farther apart than this is not shown: two launches give such ones."""


def interval(low: float | None, high: float | None, digits: int = 3) -> str:
    """The interval as a text: `3.92 to 4.31`, or `too few launches`; empty where there is none."""
    if low is None or high is None or not (isfinite(low) and isfinite(high)):
        return ""
    return f"{ratio(low, digits)} to {ratio(high, digits)}" if known(low, high) else "too few launches"


def ratio_with_interval(value: float, low: float | None, high: float | None, unit: str, digits: int = 3) -> str:
    """The ratio as a text: `1.03× (1.01 to 1.06)`, or `1.03×, no interval`; unit: `×` or ` times`."""
    ends = interval(low, high, digits)
    return f"{ratio(value, digits)}{unit}" + (f" ({ends})" if ends else ", no interval")


def known(low: float | None, high: float | None) -> tuple[float, float] | None:
    """The ends of an interval that is narrow enough to show; None for any other."""
    return (low, high) if low is not None and high is not None and high <= MOST_KNOWN * low else None


def count(value: float) -> str:
    """A whole number with its thousands separated: `16,384`."""
    return f"{value:,.0f}"


def about(value: float) -> str:
    """A number of rows, networks or the like that is interpolated, to two digits: `43,000`."""
    return significant(value, 2)


def distance(value: float, digits: int = 1) -> str:
    """A distance in powers of ten: `1.2e-07`, or `0`."""
    return f"{value:.{digits}e}" if value else "0"


def memory(size_bytes: float) -> str:
    """An amount of memory: `90 MiB`."""
    return f"{size_bytes / 2**20:,.0f} MiB"


def minute(iso: str) -> str:
    """A date to the minute: `2026-11-22T12:00:00+00:00` → `2026-11-22 12:00`."""
    return iso[:16].replace("T", " ")


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """A line for each row, its cells in columns of equal width."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
