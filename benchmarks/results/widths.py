"""How time grows with a network's width: up to where the call decides, and from where on all are alike.

A family is networks that differ in one number, the units of all their hidden layers: 2-4-1, 2-16-1 and 2-64-1 are of
`2-w-1`, 8-64-64-2 is of `8-w-w-2`. Within one pass, batch, dtype and device,

    takeover   the width at which a call takes twice what it takes at the narrowest: from there on most of the time is
               arithmetic. Interpolated, in each launch, between the widths measured, linearly in the logarithms of
               both; over launches a t-interval of log w, those of all implementations simultaneous
    spread     at each width the time of the slowest over that of the fastest, floors aside, with the interval that
               holds for all pairs of the group

All are alike from a width on where the whole interval of the spread lies below `ALIKE`, there and at all wider ones.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise, permutations

from samegrad.benchmarks.results import units
from samegrad.benchmarks.results.groups import Times, launch_log_ratios
from samegrad.benchmarks.results.statistics import Interval, pairs, quantiles, ratio_interval

LEAST_WIDTHS = 3
ALIKE = 1.5
NAME = re.compile(r"(\d+)((?:-\d+)+)-(\d+)(:.+)?")


def family(problem: str) -> tuple[str, int] | None:
    """The family and the width: `2-64-1:relu` → `2-w-1:relu`, 64. None without one: `xor`, `3-1`, `8-64-32-2`."""
    match = NAME.fullmatch(problem)
    hidden = set(match[2][1:].split("-")) if match else set()
    if not match or len(hidden) > 1:
        return None
    layers = "-w" * match[2].count("-")
    return f"{match[1]}{layers}-{match[3]}{match[4] or ''}", int(hidden.pop())


@dataclass(frozen=True)
class Widths:
    """The results of one family. `takeovers`: by implementation the width, None where the widest does not reach it."""

    takeovers: dict[str, Interval | None]
    spreads: dict[int, Interval]
    count: int
    """The implementations between which the spread is."""

    widest: int
    narrowest: int

    def resolves(self, takeover: Interval) -> bool:
        """Whether its interval lies within the widths measured."""
        return resolves(takeover, self.narrowest, self.widest)

    @property
    def alike_from(self) -> int | None:
        """The least width from which on all are shown to be alike."""
        least = None
        for width in sorted(self.spreads, reverse=True):
            high = self.spreads[width].high
            if high is None or high > ALIKE:
                break
            least = width
        return least


def widths(times: Mapping[int, Times], floors: Collection[str] = ()) -> Widths | None:
    """The results over widths of one pass, batch, dtype and device; None with fewer than three of them.

    times: by width {implementation: [(rounds of launch 1,), …]} in ns.
    """
    order = sorted(times)
    if len(order) < LEAST_WIDTHS:
        return None
    names = [name for name in times[order[0]] if all(times[width].get(name) for width in order)]
    choices = [name for name in names if name not in floors]
    spreads = {width: _spread(times[width], choices) for width in order} if len(choices) > 1 else {}
    takeovers = {name: takeover(order, times, name, len(names), _in_logarithms) for name in names}
    return Widths(takeovers, spreads, len(choices), order[-1], order[0])


def resolves(takeover: Interval, least: float, most: float) -> bool:
    """Whether its interval lies within what was measured; one launch has none and claims none."""
    return takeover.low is None or least <= takeover.low <= (takeover.high or math.inf) <= most


Point = tuple[float, float]
"""A width or number of networks, and the time there in ns."""


def takeover(
    order: Sequence[int],
    times: Mapping[int, Times],
    name: str,
    comparisons: int,
    between: Callable[[Point, Point, float], float],
) -> Interval | None:
    """Where, of numbers in that order, an implementation takes twice what it takes at the first; None where nowhere.

    between: of two neighbours, and a time between theirs, the number where it is reached.
    """
    launches = min(len(times[width][name]) for width in order)
    medians = [[quantiles(times[width][name][launch]).median_ns for width in order] for launch in range(launches)]
    crossed = [_twice(order, of_launch, between) for of_launch in medians]
    known = [math.log(width) for width in crossed if width is not None]
    return ratio_interval(known, comparisons) if len(known) == launches else None


def _twice(
    order: Sequence[int], times_ns: Sequence[float], between: Callable[[Point, Point, float], float]
) -> float | None:
    """The first number at which the time is twice the first."""
    twice_ns = 2 * times_ns[0]
    for left, right in pairwise(zip(order, times_ns, strict=True)):
        if left[1] < twice_ns <= right[1]:
            return between(left, right, twice_ns)
    return None


def _in_logarithms(left: Point, right: Point, ns: float) -> float:
    """Interpolate by a power law: time grows differently at different widths."""
    share = math.log(ns / left[1]) / math.log(right[1] / left[1])
    return float(left[0] * (right[0] / left[0]) ** share)


def _spread(times: Times, choices: Sequence[str]) -> Interval:
    """The largest ratio of any two, with the largest lower end and the largest upper end of their intervals."""
    count = pairs(len(times))
    intervals = [ratio_interval(launch_log_ratios(times[a], times[b]), count) for a, b in permutations(choices, 2)]
    ratio, lows, highs = max(i.ratio for i in intervals), [i.low for i in intervals], [i.high for i in intervals]
    return Interval(ratio, *(None if None in ends else max(filter(None, ends)) for ends in (lows, highs)))


def sentence(where: str, widths: Widths, floors: Collection[str] = ()) -> str:
    """The answer: up to which width the call decides, and from which on all are alike, or how far apart they stay."""
    takeovers = {name: width for name, width in widths.takeovers.items() if name not in floors} or widths.takeovers
    reached = {name: width for name, width in takeovers.items() if width is not None and widths.resolves(width)}
    unclear = [name for name, width in takeovers.items() if width is not None and name not in reached]
    order = sorted(reached, key=lambda name: reached[name].ratio)
    ends = [f"{about(reached[name])} for {name}" for name in dict.fromkeys([*order[:1], *order[-1:]])]
    parts = [f"up to a width of {' and of '.join(ends)}"] if ends else []
    if never := [name for name, width in takeovers.items() if width is None]:
        parts.append(f"beyond {units.count(widths.widest)}, the widest, for {', '.join(never)}")
    text = f"{where}: " + (f"the call decides {' and '.join(parts)}" if parts else "")
    if unclear:
        text += ("; " if parts else "") + f"where arithmetic takes over is not resolved for {', '.join(unclear)}"
    if not widths.spreads:
        return f"{text}."
    if (start := widths.alike_from) is not None:
        most = max(widths.spreads[width].high or math.inf for width in widths.spreads if width >= start)
        return f"{text}; from {units.count(start)} on all {widths.count} are within {_up(most)} of each other."
    apart = widths.spreads[widths.widest]
    interval, width = units.interval(apart.low, apart.high), units.count(widths.widest)
    beside = f" ({interval})." if interval else "; one launch has no interval."
    last = f"the slowest of {widths.count} takes {units.ratio(apart.ratio)} times as long as the fastest"
    return f"{text}; at {width} {last}{beside}"


def about(width: Interval) -> str:
    """The number as a text, `about 38 (35 to 41)`: two digits, as an interpolation deserves."""
    value, low, high = (None if end is None else units.significant(end, 2) for end in width)
    return f"about {value}" + (f" ({low} to {high})" if low and high else "")


def _up(ratio: float) -> str:
    """The number rounded up, so that it is a bound."""
    return f"{math.ceil(10 * ratio) / 10:g}"
