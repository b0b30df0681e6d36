"""Numbers for people: a time with its unit, a ratio, an interval, each with the digits that can be believed."""

from __future__ import annotations

from math import floor, isfinite, log10

STEPS = ((1e9, "s"), (1e6, "ms"), (1e3, "µs"), (1.0, "ns"))


def significant(value: float | None, digits: int = 3) -> str:
    """The value to so many significant digits, thousands separated, never in powers of ten below 10¹⁵."""
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


def ratio(value: float | None) -> str:
    """A ratio of two times: `1.04`, `4.12`, `18.3`, `340`."""
    return significant(value, 3)


def interval(low: float | None, high: float | None) -> str:
    """`3.92 to 4.31`; empty where there is no interval."""
    known = all(end is not None and isfinite(end) for end in (low, high))
    return f"{ratio(low)} to {ratio(high)}" if known else ""


def count(value: float) -> str:
    """A whole number with its thousands separated: `16,384`."""
    return f"{value:,.0f}"
