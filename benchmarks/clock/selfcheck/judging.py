"""From the times of the trials to findings. Pure: what comes in is scripted in the tests."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from msgspec.structs import replace
from numpy.typing import ArrayLike

from samegrad.benchmarks.clock.noise import noise
from samegrad.benchmarks.clock.selfcheck.findings import Line, Promise
from samegrad.benchmarks.clock.selfcheck.subjects import TRUE_RATIOS
from samegrad.benchmarks.documents.selfcheck import Finding
from samegrad.benchmarks.results.statistics import (
    Interval,
    log_ratios,
    median_interval,
    paired_log_ratio,
    ratio_interval,
)
from samegrad.benchmarks.results.verdict import FASTER, REGRESSION_MARGIN, SLOWER, verdict

FIVE = 5
"""Launches of one comparison: the standard for a claim."""

RESAMPLES = 2000
STOCK_DETECTS = 1.025
"""Stock pytest-benchmark gives no verdict; a slowdown of 5 % counts as seen where the ratio exceeds half of it."""

WITHIN_1, WITHIN_2, WITHIN_3 = (Promise(at_most=points, at_least=-points) for points in (1, 2, 3))

Times = Mapping[str, ArrayLike]


def is_false(interval: Interval) -> bool:
    """Whether an interval for two equal subjects leaves out the ratio 1, by however little."""
    return interval.low is not None and interval.high is not None and not interval.low <= 1 <= interval.high


def pairs_in_one_process(trials: Sequence[Times], condition: str) -> list[Finding]:
    """A/A and power of the sign interval over the paired blocks of one process, one comparison per trial."""
    intervals = {
        name: [median_interval(log_ratios(trial[name], trial["plain"])) for trial in trials] for name in TRUE_RATIOS
    }
    return _comparisons("in one process", condition, "ours", intervals, false=0.08, beyond=0.01)


def launches_of_workers(launches: Sequence[Mapping[str, float]], condition: str, seed: int = 1) -> list[Finding]:
    """A/A and power of the t-interval over five launches.

    launches: the log ratio of each subject to `plain` in every launch, at least five. Fives that share no launch are
    independent: they are judged, within their binomial limits. Random fives of the same launches show the shares more
    finely, but rest on no more than the launches there were: they are shown without limits and not judged.
    """

    def compare(arm: str, fives: Sequence[Sequence[int]]) -> list[Finding]:
        intervals = {
            name: [ratio_interval([launches[number][name] for number in five]) for five in fives]
            for name in TRUE_RATIOS
        }
        return _comparisons("between workers", condition, arm, intervals, false=0.08, beyond=0.02)

    starts = range(0, len(launches) - FIVE + 1, FIVE)
    findings = compare("ours", [range(start, start + FIVE) for start in starts])
    if len(launches) > FIVE:
        draw = np.random.default_rng(seed).choice
        random = [draw(len(launches), FIVE, replace=False).tolist() for _ in range(RESAMPLES)]
        findings += [
            replace(finding, low=None, high=None, count=None, of=len(launches), result=None)
            for finding in compare("ours, random fives", random)
        ]
    return findings


def _comparisons(
    check: str, condition: str, arm: str, intervals: Mapping[str, Sequence[Interval]], false: float, beyond: float
) -> list[Finding]:
    line = Line(check, condition, arm)
    equal, five, three = (intervals[name] for name in ("again", "slower_by_5", "slower_by_3"))
    words = [verdict(interval, REGRESSION_MARGIN) for interval in equal]
    return [
        line.share("A/A: false verdict, no margin", [is_false(one) for one in equal], Promise(at_most=false)),
        line.share("A/A: false verdict beyond 1 %", [w in (FASTER, SLOWER) for w in words], Promise(at_most=beyond)),
        *_sizes(line, {name: [one.ratio for one in some] for name, some in intervals.items()}, Promise(at_least=0.95)),
        line.share("5 % slower: detected", [_is_slower(one) for one in five], Promise(at_least=0.95)),
        line.share("3 % slower: detected", [_is_slower(one) for one in three]),
    ]


def _is_slower(interval: Interval) -> bool:
    return verdict(interval, REGRESSION_MARGIN) == SLOWER


def _sizes(line: Line, ratios: Mapping[str, Sequence[float]], promise: Promise | None = None) -> list[Finding]:
    """Judge a bare ratio, whichever clock measured it."""
    equal, five = np.asarray(ratios["again"]), np.asarray(ratios["slower_by_5"])
    return [
        line.share("A/A: off by more than 1 %", np.abs(equal - 1) > 0.01),
        line.value("A/A: worst ratio", "times", max(equal, key=lambda ratio: abs(math.log(ratio))), equal.size),
        line.share("5 % slower: within 1 point", np.abs(five - TRUE_RATIOS["slower_by_5"]) <= 0.01, promise),
    ]


def stock_pairs(trials: Sequence[Mapping[str, Mapping[str, float]]], condition: str) -> list[Finding]:
    """The findings on stock pytest-benchmark for the same pairs. trials: {subject: {"median": s, "mean": s}}."""
    findings = []
    for statistic in ("median", "mean"):
        line = Line("stock", condition, f"stock {statistic}")
        ratios = {
            name: [trial[name][statistic] / trial["plain"][statistic] for trial in trials] for name in TRUE_RATIOS
        }
        findings += _sizes(line, ratios)
        findings.append(
            line.share(f"5 % slower: ratio over {STOCK_DETECTS}", np.array(ratios["slower_by_5"]) > STOCK_DETECTS)
        )
    return findings


def shift_under_load(
    quiet: Sequence[Mapping[str, float]], loaded: Sequence[Mapping[str, float]], condition: str
) -> list[Finding]:
    """How far the ratio of the 5 % slower worker moves between a quiet machine and a loaded one."""
    moved = np.mean([one["slower_by_5"] for one in loaded]) - np.mean([one["slower_by_5"] for one in quiet])
    line = Line("between workers", condition, "ours, all launches")
    return [line.value("ratio against quiet", "percent", 100 * math.expm1(moved), len(loaded), WITHIN_3)]


def bias(trials: Sequence[Mapping[str, Times]]) -> list[Finding]:
    """Our loop and pyperf's against timeit's, paired in each process."""
    findings = []
    for subject in trials[0]:
        for loop in sorted(set(trials[0][subject]) - {"timeit"}):
            line = Line("bias", "quiet", "ours" if loop == "ours" else "pyperf's loop")
            if subject == "empty":
                extra = [np.median(np.subtract(trial[subject][loop], trial[subject]["timeit"])) for trial in trials]
                promise = Promise(at_most=15) if loop == "ours" else None
                findings.append(line.mean("an empty call, over timeit's", "ns", extra, promise))
            else:
                off = [
                    100 * math.expm1(paired_log_ratio(trial[subject][loop], trial[subject]["timeit"]))
                    for trial in trials
                ]
                promise = WITHIN_1 if loop == "ours" else None
                findings.append(line.mean(f"{subject} a call, against timeit", "percent", off, promise))
    return findings


def stock_bias(median_over_timeit: Sequence[float]) -> list[Finding]:
    """Stock pytest-benchmark's median against timeit in the same process."""
    off = 100 * (np.asarray(median_over_timeit) - 1)
    return [Line("bias", "quiet", "stock median").mean("4 µs a call, against timeit", "percent", off)]


def first_call(trials: Sequence[Times]) -> list[Finding]:
    """How far a first call of 0.3 s moves the median."""
    off = [100 * math.expm1(paired_log_ratio(trial["slow_first"], trial["quick"])) for trial in trials]
    line = Line("first call", "quiet", "ours")
    return [line.mean("0.3 s once moves the median by", "percent", off, WITHIN_2)]


def stock_first_call(trials: Sequence[Mapping[str, Mapping[str, float]]]) -> list[Finding]:
    """How far a first call of 0.3 s moves stock pytest-benchmark's median and mean."""
    return [
        Line("first call", "quiet", f"stock {statistic}").mean(
            "0.3 s once moves the median by",
            "percent",
            [100 * (trial["slow_first"][statistic] / trial["quick"][statistic] - 1) for trial in trials],
        )
        for statistic in ("median", "mean")
    ]


def fences(name: str, waits: Mapping[str, bool], is_deferred: bool) -> list[Finding]:
    """One implementation with its fence and without. What is unfenced on purpose must be caught, the others pass."""
    line = Line("fence", "quiet", name)
    kept = Promise(at_most=0.0) if is_deferred else Promise(at_least=1.0)
    return [
        line.share("waits for its result", [waits["fenced"]], kept),
        line.share("waits without its fence", [waits["unfenced"]]),
    ]


def noise_rule(runs: int = 300, rounds: int = 60, launches: int = 3) -> list[Finding]:
    """The rule for NOISY on scripted yardsticks: calm (rounds scatter by 2 %), and half as slow again in 30 %."""
    calm, slowed = [], []
    for seed in range(runs):
        rng = np.random.default_rng(seed)
        times = 4000 * np.exp(rng.normal(0, 0.02, (launches, rounds)))
        slow = rng.permutation(times.size).reshape(times.shape) < 0.3 * times.size
        calm.append(noise(list(times), {})["noisy"])
        slowed.append(noise(list(np.where(slow, 1.5, 1.0) * times), {})["noisy"])
    line = Line("noise rule", "scripted", "ours")
    return [
        line.share("30 % of rounds +50 %: flagged", slowed, Promise(at_least=1.0)),
        line.share("a calm run: flagged", calm, Promise(at_most=0.05)),
    ]
