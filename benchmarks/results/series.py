"""How time grows with one number: the width of a network, or how many networks there are at once.

A family is networks that differ in one number, the units of all their hidden layers: 2-4-1, 2-16-1 and 2-64-1 are of
`2-w-1`, 8-64-64-2 is of `8-w-w-2`. Within one pass, batch, dtype and device, over three numbers at least,

    takeover     the number at which a call takes twice what it takes at the least: from there on most of the time is
                 arithmetic, and a network more costs what it costs by itself. Interpolated, in each launch, between the
                 numbers measured; over launches a t-interval of its logarithm, those of all implementations
                 simultaneous
    spread       at each width the time of the slowest over that of the fastest, floors aside, with the interval that
                 holds for all pairs of the group
    over floor   at the most networks the time over that of the floor, with the interval that holds for all pairs

All are alike from a width on where the whole interval of the spread lies below `ALIKE`, there and at all wider ones.
"""

from __future__ import annotations

import math
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise, permutations
from typing import ClassVar

from samegrad.benchmarks.results import units
from samegrad.benchmarks.results.groups import Times, launch_log_ratios
from samegrad.benchmarks.results.statistics import Interval, pairs, pooled, quantiles, ratio_interval

LEAST_NUMBERS = 3
ALIKE = 1.5
NAME = re.compile(r"(\d+)((?:-\d+)+)-(\d+)(:.+)?")
Point = tuple[float, float]
"""A width or number of networks, and the time there in ns."""


def family(problem: str) -> tuple[str, int] | None:
    """The family and the width: `2-64-1:relu` → `2-w-1:relu`, 64. None without one: `xor`, `3-1`, `8-64-32-2`."""
    match = NAME.fullmatch(problem)
    hidden = set(match[2][1:].split("-")) if match else set()
    if not match or len(hidden) > 1:
        return None
    layers = "-w" * match[2].count("-")
    return f"{match[1]}{layers}-{match[3]}{match[4] or ''}", int(hidden.pop())


@dataclass(frozen=True)
class Growth(ABC):
    """What the numbers of one series show."""

    ENDS: ClassVar[tuple[str, str]]
    """The least and the most in words."""
    NUMBER: ClassVar[tuple[str, str]]
    """The words before and after a number."""
    UNIT: ClassVar[str] = "call"
    """What the time is of."""

    takeovers: dict[str, Interval | None]
    """The number up to which the call decides, by implementation; None where the most do not reach it."""
    least: int
    most: int
    floors: Collection[str]

    @property
    def floor(self) -> str | None:
        """The lower bound that ratios are to; None where they are to the fastest."""
        return None

    @property
    def alike_from(self) -> int | None:
        """The least number from which on all are shown to be alike."""
        return None

    def networks(self, number: float) -> float:
        """How many networks share the time of a call at that number."""
        return 1

    def resolves(self, takeover: Interval) -> bool:
        """Whether its interval lies within what was measured; one launch has none and claims none."""
        return takeover.low is None or self.least <= takeover.low <= (takeover.high or math.inf) <= self.most

    def sentence(self, where: str) -> str:
        """The answer: up to which number the call decides, and how far apart the implementations are beyond."""
        return f"{where}: {'; '.join([*self._decided(), *self._beyond()])}."

    def _decided(self) -> Iterator[str]:
        takeovers = {name: at for name, at in self.takeovers.items() if name not in self.floors} or self.takeovers
        reached = {name: at for name, at in takeovers.items() if at and self.resolves(at)}
        order = sorted(reached, key=lambda name: reached[name].ratio)
        before, after = self.NUMBER
        ends = [f"{about(reached[name])}{after} for {name}" for name in dict.fromkeys([*order[:1], *order[-1:]])]
        if ends:
            yield f"the call decides up to {before}{' and '.join(ends)}"
        if never := [name for name, at in takeovers.items() if at is None]:
            yield f"beyond {units.count(self.most)}, the {self.ENDS[1]}, the call still decides for {', '.join(never)}"
        if unclear := [name for name, at in takeovers.items() if at and name not in reached]:
            yield f"where arithmetic takes over is not resolved for {', '.join(unclear)}"

    @abstractmethod
    def _beyond(self) -> Iterator[str]:
        """How far apart the implementations are beyond."""


@dataclass(frozen=True)
class Widths(Growth):
    """The results of one family; `spreads` are between `count` implementations, by width."""

    ENDS = "narrowest", "widest"
    NUMBER = "a width of ", ""

    spreads: dict[int, Interval]
    count: int

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

    def _beyond(self) -> Iterator[str]:
        if not self.spreads:
            return
        if (start := self.alike_from) is not None:
            most = max(self.spreads[width].high or math.inf for width in self.spreads if width >= start)
            yield f"from {units.count(start)} on all {self.count} are within {_up(most)} of each other"
            return
        apart = self.spreads[self.most]
        ratio, interval = units.ratio(apart.ratio), units.interval(apart.low, apart.high)
        beside = f" ({interval})" if interval else "; one launch has no interval"
        slowest = f"the slowest of {self.count} takes {ratio} times as long as the fastest"
        yield f"at {units.count(self.most)} {slowest}{beside}"


@dataclass(frozen=True)
class Networks(Growth):
    """The results of one problem, by implementation in the order of their times at the most networks."""

    ENDS = "fewest", "most"
    NUMBER = "", " networks"
    UNIT = "network"

    each_ns: dict[str, float]
    """The time of a network at the most of them, the median over all rounds."""
    over_floor: dict[str, Interval]
    """The ratio to the floor of each implementation that is none, where a floor was measured."""

    @property
    def floor(self) -> str | None:
        """The fastest of the lower bounds that were measured."""
        return next((name for name in self.each_ns if name in self.floors), None)

    def networks(self, number: float) -> float:
        """How many networks share the time of a call: that number."""
        return number

    def _beyond(self) -> Iterator[str]:
        first = self.floor or next(iter(self.each_ns))
        over = [
            f"{units.ratio(ratio.ratio)} times as long in {name}"
            + (f" ({ends})" if (ends := units.interval(*ratio[1:])) else "")
            for name, ratio in self.over_floor.items()
        ]
        takes = f"a network takes {units.time(self.each_ns[first])} in {first}"
        yield f"at {units.count(self.most)} {', '.join([takes, *over])}"


def widths(times: Mapping[int, Times], floors: Collection[str] = ()) -> Widths | None:
    """The results over widths of one pass, batch, dtype and device; None with fewer than three of them.

    times: by width {implementation: [(rounds of launch 1,), …]} in ns.
    """
    order, names = _measured(times)
    if not names:
        return None
    choices = [name for name in names if name not in floors]
    spreads = {width: _spread(times[width], choices) for width in order} if len(choices) > 1 else {}
    takeovers = {name: _takeover(order, times, name, len(names), _in_logarithms) for name in names}
    return Widths(takeovers, order[0], order[-1], floors, spreads, len(choices))


def networks(times: Mapping[int, Times], floors: Collection[str] = ()) -> Networks | None:
    """What the numbers show of one problem, pass, batch, dtype and device; None with fewer than three of them.

    times: by number of networks {implementation: [(rounds of launch 1,), …]} in ns per call.
    """
    order, names = _measured(times)
    if not names:
        return None
    most = times[order[-1]]
    each_ns = {name: quantiles(pooled(most[name])).median_ns / order[-1] for name in names}
    names = sorted(names, key=lambda name: each_ns[name])
    floor = next((name for name in names if name in floors), None)
    over = {
        name: ratio_interval(launch_log_ratios(most[name], most[floor]), pairs(len(most)))
        for name in names
        if floor is not None and name not in floors
    }
    takeovers = {name: _takeover(order, times, name, len(names), _linearly) for name in names}
    return Networks(takeovers, order[0], order[-1], floors, {name: each_ns[name] for name in names}, over)


def _measured(times: Mapping[int, Times]) -> tuple[list[int], list[str]]:
    """The numbers, ascending, and who was measured at all of them: nobody where they are too few."""
    order = sorted(times)
    enough = len(order) >= LEAST_NUMBERS
    return order, [name for name in times[order[0]] if all(times[at].get(name) for at in order)] if enough else []


def _takeover(
    order: Sequence[int],
    times: Mapping[int, Times],
    name: str,
    comparisons: int,
    between: Callable[[Point, Point, float], float],
) -> Interval | None:
    """Where, of numbers in that order, an implementation takes twice what it takes at the first; None where nowhere.

    between: of two neighbours, and a time between theirs, the number where it is reached.
    """
    launches = min(len(times[at][name]) for at in order)
    medians = [[quantiles(times[at][name][launch]).median_ns for at in order] for launch in range(launches)]
    crossed = [_twice(order, of_launch, between) for of_launch in medians]
    known = [math.log(at) for at in crossed if at is not None]
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
    """Interpolate over widths by a power law: time grows differently at different widths."""
    share = math.log(ns / left[1]) / math.log(right[1] / left[1])
    return float(left[0] * (right[0] / left[0]) ** share)


def _linearly(left: Point, right: Point, ns: float) -> float:
    """Interpolate over networks: so much more arithmetic takes so much longer."""
    return left[0] + (right[0] - left[0]) * (ns - left[1]) / (right[1] - left[1])


def _spread(times: Times, choices: Sequence[str]) -> Interval:
    """The largest ratio of any two, with the largest lower end and the largest upper end of their intervals."""
    count = pairs(len(times))
    intervals = [ratio_interval(launch_log_ratios(times[a], times[b]), count) for a, b in permutations(choices, 2)]
    ratio, lows, highs = max(i.ratio for i in intervals), [i.low for i in intervals], [i.high for i in intervals]
    return Interval(ratio, *(None if None in ends else max(filter(None, ends)) for ends in (lows, highs)))


def about(number: Interval) -> str:
    """The number as a text, `about 38 (35 to 41)`: two digits, as an interpolation deserves."""
    value, low, high = (None if end is None else units.about(end) for end in number)
    return f"about {value}" + (f" ({low} to {high})" if low and high else "")


def _up(ratio: float) -> str:
    """The number rounded up, so that it is a bound."""
    return f"{math.ceil(10 * ratio) / 10:g}"
