"""Was the machine steady enough? Two witnesses, measured in every round with the rest.

The *sentinel* is a duplicate of one implementation in a worker of its own. The true ratio of the two is 1; where the
interval of their ratio lies wholly beyond 1 %, what is measured is not the implementation.

The *yardstick* is a fixed piece of NumPy work in a worker of its own. Its time should not change; where its 90th
percentile exceeds 1.15 times its 10th, over a launch or over the run, the machine changed speed. (On a shared virtual
machine the figure was 1.02 to 1.08 in 52 of 60 launches and 1.13 to 1.57 in the other 8, each a shift of level.) As
rounds are paired, a change of speed need not reach the ratios, and the sentinels show whether it did: it counts where
the median half-width of their intervals exceeds the 5 % that matter between implementations, or there are none.

*Page faults* show another: where an implementation's calls fault in many pages in one launch and few in another, the
system took memory back in the one and not in the other, and its times are of two kinds.

A noisy run is kept and marked: nothing is thrown away.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from samegrad.benchmarks.results.groups import launch_log_ratios
from samegrad.benchmarks.results.statistics import Interval, pooled, quantiles, ratio_interval
from samegrad.benchmarks.results.verdict import FASTER, MARGIN, REGRESSION_MARGIN, SLOWER, verdict

SPREAD_LIMIT = 1.15
SENTINEL_MARGIN = REGRESSION_MARGIN
FEW_PAGES = 16
"""What is faulted in by a call here and there; an array of 256 KiB that is given back is 64."""

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


def noise(
    yardstick: Launches,
    sentinels: Mapping[str, tuple[Launches, Launches]],
    faults: Mapping[str, Mapping[str, Sequence[float]]] | None = None,
) -> dict[str, Any]:
    """The run file's `noise`: the verdict on the run, and why.

    yardstick: all its rounds, launch by launch. sentinels: {group: (the duplicate's launches, the original's)}.
    faults: {group: {implementation: [pages that a call faults in, by launch]}}.
    `yardstick_spread` is the largest of any launch's and the whole run's; None where no yardstick was recorded.
    """
    spreads = {f"launch {number}": spread(times) for number, times in enumerate(yardstick, start=1) if len(times)}
    if spreads:
        spreads["the run"] = spread(pooled([times for times in yardstick if len(times)]))
    intervals = {
        group: sentinel_interval(*pair) for group, pair in sentinels.items() if all(len(launches) for launches in pair)
    }
    known_within = alike_within(intervals.values())
    reasons = [
        f"over {where} the yardstick's 90th percentile is {value:.2f} times its 10th (limit {SPREAD_LIMIT:.2f})"
        for where, value in spreads.items()
        if value > SPREAD_LIMIT and (known_within is None or known_within > MARGIN)
    ]
    reasons += [
        f"{group}: two workers of the same implementation differ by {interval.ratio - 1:+.1%} "
        f"({interval.low - 1:+.1%} to {interval.high - 1:+.1%}, limit ±{SENTINEL_MARGIN:.0%})"
        for group, interval in intervals.items()
        if interval.low is not None and interval.high is not None and beyond(interval)
    ]
    reasons += [
        f"{group}: a call of {name} faults in {min(pages):,.0f} to {max(pages):,.0f} pages of memory, by launch: its "
        "times are of two kinds"
        for group, by_name in (faults or {}).items()
        for name, pages in by_name.items()
        if max(pages) > max(FEW_PAGES, 2 * min(pages))
    ]
    return {
        "noisy": bool(reasons),
        "reasons": reasons,
        "yardstick_spread": max(spreads.values(), default=None),
        "sentinel": {group: interval._asdict() for group, interval in intervals.items()},
    }


def alike_within(intervals: Iterable[Interval]) -> float | None:
    """How well equal workers are known to be equal: the median of their intervals' half-widths, 0.013 for ±1.3 %.

    None where there is no interval.
    """
    halves = [math.sqrt(interval.high / interval.low) - 1 for interval in intervals if interval.low and interval.high]
    return float(np.median(halves)) if halves else None


def beyond(interval: Interval) -> bool:
    """Whether the whole interval lies beyond the margin on one side; False where there is no interval."""
    return verdict(interval, SENTINEL_MARGIN) in (FASTER, SLOWER)
