"""How the time of one network falls with their number: up to where the call decides, and what is left over the floor.

Cases that differ in the number K of networks alone, three numbers of them at least:

    takeover     the K at which a call takes twice what it takes for the fewest: from there on most of the time is
                 arithmetic, and a network more costs what it costs by itself. Found as that of `widths.py` is, but
                 linearly between the numbers measured, as so much more arithmetic takes so much longer
    over floor   at the most networks the time over that of the floor, with the interval that holds for all pairs
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from samegrad.benchmarks.results import units
from samegrad.benchmarks.results.groups import Times, launch_log_ratios
from samegrad.benchmarks.results.statistics import Interval, pairs, pooled, quantiles, ratio_interval
from samegrad.benchmarks.results.widths import Point, about, resolves, takeover

LEAST_NUMBERS = 3


@dataclass(frozen=True)
class Networks:
    """What one series shows, by implementation in the order of their times at the most networks."""

    takeovers: dict[str, Interval | None]
    """The number of networks, None where the most do not reach it."""
    each_ns: dict[str, float]
    """The time of a network at the most of them, the median over all rounds."""
    over_floor: dict[str, Interval]
    """The ratio to the floor of each implementation that is none, where a floor was measured."""
    floor: str | None
    fewest: int
    most: int


def networks(times: Mapping[int, Times], floors: Collection[str] = ()) -> Networks | None:
    """What the numbers show of one problem, pass, batch, dtype and device; None with fewer than three of them.

    times: by number of networks {implementation: [(rounds of launch 1,), …]} in ns per call.
    """
    order = sorted(times)
    if len(order) < LEAST_NUMBERS:
        return None
    most = times[order[-1]]
    known = [name for name in times[order[0]] if all(times[number].get(name) for number in order)]
    each_ns = {name: quantiles(pooled(most[name])).median_ns / order[-1] for name in known}
    names = sorted(known, key=lambda name: each_ns[name])
    floor = next((name for name in names if name in floors), None)
    over = {
        name: ratio_interval(launch_log_ratios(most[name], most[floor]), pairs(len(most)))
        for name in names
        if floor is not None and name not in floors
    }
    return Networks(
        {name: takeover(order, times, name, len(names), _linearly) for name in names},
        {name: each_ns[name] for name in names},
        over,
        floor,
        order[0],
        order[-1],
    )


def _linearly(left: Point, right: Point, ns: float) -> float:
    return left[0] + (right[0] - left[0]) * (ns - left[1]) / (right[1] - left[1])


def sentence(where: str, result: Networks) -> str:
    """The answer: up to how many networks the call decides, what one takes at the most, and how far from the floor."""
    takeovers = {name: number for name, number in result.takeovers.items() if name != result.floor} or result.takeovers
    reached = {n: number for n, number in takeovers.items() if number and resolves(number, result.fewest, result.most)}
    order = sorted(reached, key=lambda name: reached[name].ratio)
    ends = [f"{about(reached[name])} networks for {name}" for name in dict.fromkeys([*order[:1], *order[-1:]])]
    parts = [f"the call decides up to {' and '.join(ends)}"] if ends else []
    if never := [name for name, number in takeovers.items() if number is None]:
        parts.append(f"beyond {units.count(result.most)}, the most, the call still decides for {', '.join(never)}")
    if unclear := [name for name, number in takeovers.items() if number and name not in reached]:
        parts.append(f"where it stops is not resolved for {', '.join(unclear)}")
    if result.floor is None:
        fastest, each_ns = next(iter(result.each_ns.items()))
        parts.append(f"at {units.count(result.most)} a network takes {units.time(each_ns)} in {fastest}")
    else:
        each = units.time(result.each_ns[result.floor])
        over = [
            f"{units.ratio(ratio.ratio)}{_interval(ratio)} times as long in {name}"
            for name, ratio in result.over_floor.items()
        ]
        beside = f", {', '.join(over)}" if over else ""
        parts.append(f"at {units.count(result.most)} a network takes {each} in {result.floor}{beside}")
    return f"{where}: {'; '.join(parts)}."


def _interval(ratio: Interval) -> str:
    ends = units.interval(ratio.low, ratio.high)
    return f" ({ends})" if ends else ""
