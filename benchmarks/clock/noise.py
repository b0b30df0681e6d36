"""Was the machine steady enough? Two witnesses, measured in every round with the rest.

The *yardstick* is a fixed piece of NumPy work in a worker of its own. Its time should not change; where its 90th
percentile exceeds 1.15 times its 10th, over a launch or over the run, the machine changed speed. (On a shared virtual
machine the figure was 1.02 to 1.08 in 52 of 60 launches and 1.13 to 1.57 in the other 8, each a shift of level.)

The *sentinel* is a duplicate of one implementation in a worker of its own. The true ratio of the two is 1; where the
interval of their ratio lies wholly beyond 1 %, what is measured is not the implementation.

A noisy run is kept and says so: nothing is thrown away.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from time import perf_counter_ns
from typing import Any

import numpy as np
from numpy.typing import NDArray

from samegrad.benchmarks.results.groups import launch_log_ratios
from samegrad.benchmarks.results.statistics import Interval, pooled, quantiles, ratio_interval
from samegrad.benchmarks.results.verdict import FASTER, REGRESSION_MARGIN, SLOWER, verdict

SPREAD_LIMIT = 1.15
SENTINEL_MARGIN = REGRESSION_MARGIN
READINGS = 20
POSSIBLE = 0.5
"""Of the shortest time seen for reading the input: less is impossible, as no measurement of a cache is that far off."""

Launches = Sequence[NDArray[Any]]
"""[(rounds of launch 1,), (rounds of launch 2,), …], ns per call."""


def yardstick() -> Callable[[], Any]:
    """A fixed callable of a few µs: small products and transcendentals, in place, on data that fits the first cache."""
    a = np.linspace(-1.0, 1.0, 32 * 32).reshape(32, 32)
    product, squashed = np.empty_like(a), np.empty_like(a)

    def work() -> NDArray[Any]:
        np.matmul(a, a, out=product)
        return np.tanh(product, out=squashed)

    return work


def shortest_read_ns(size_bytes: int) -> float:
    """The shortest time seen in which one thread reads so many bytes that lie together, without what a call costs.

    By the two reductions of NumPy that are nearest to the memory's speed, the product with itself and the maximum.
    """
    many, one = np.ones(max(1, size_bytes // 8)), np.ones(1)

    def best_ns(array: NDArray[Any]) -> int:
        times_ns = []
        for call in (lambda: array.dot(array), array.max):
            for _ in range(READINGS):
                began_ns = perf_counter_ns()
                call()
                times_ns.append(perf_counter_ns() - began_ns)
        return min(times_ns)

    return max(0, best_ns(many) - best_ns(one))


def spread(times_ns: NDArray[Any]) -> float:
    """p90 / p10 of times: (rounds,). 1 on a machine that never changes speed."""
    _, p10, p90 = quantiles(times_ns)
    return p90 / p10


def sentinel_interval(sentinel: Launches, original: Launches) -> Interval:
    """The ratio of the duplicate to its original over the launches that both completed, paired by round.

    At 95 % for each group by itself: an alarm that were corrected for the number of groups could not ring with three
    launches. What keeps it from ringing without cause is the margin.
    """
    return ratio_interval(launch_log_ratios(sentinel, original))


def noise(yardstick: Launches, sentinels: Mapping[str, tuple[Launches, Launches]]) -> dict[str, Any]:
    """The run file's `noise`: the verdict on the run, and why.

    yardstick: all its rounds, launch by launch. sentinels: {group: (the duplicate's launches, the original's)}.
    `yardstick_spread` is the largest of any launch's and the whole run's; None where no yardstick was recorded.
    """
    spreads = {f"launch {number}": spread(times) for number, times in enumerate(yardstick, start=1) if len(times)}
    if spreads:
        spreads["the run"] = spread(pooled([times for times in yardstick if len(times)]))
    intervals = {
        group: sentinel_interval(*pair) for group, pair in sentinels.items() if all(len(launches) for launches in pair)
    }
    reasons = [
        f"over {where} the yardstick's 90th percentile is {value:.2f} times its 10th (limit {SPREAD_LIMIT:.2f})"
        for where, value in spreads.items()
        if value > SPREAD_LIMIT
    ]
    reasons += [
        f"{group}: two workers of the same implementation differ by {interval.ratio - 1:+.1%} "
        f"({interval.low - 1:+.1%} to {interval.high - 1:+.1%}, limit ±{SENTINEL_MARGIN:.0%})"
        for group, interval in intervals.items()
        if interval.low is not None and interval.high is not None and beyond(interval)
    ]
    return {
        "noisy": bool(reasons),
        "reasons": reasons,
        "yardstick_spread": max(spreads.values(), default=None),
        "sentinel": {group: interval._asdict() for group, interval in intervals.items()},
    }


def beyond(interval: Interval, margin: float = SENTINEL_MARGIN) -> bool:
    """Whether the whole interval lies beyond the margin on one side; False where there is no interval."""
    return verdict(interval, margin) in (FASTER, SLOWER)
