"""The measurements of one fresh process.

    pairs    plain, again, slower by 5 % and by 3 %, interleaved in one process by our schedule
    bias     one callable timed by our loop, by timeit's and by pyperf's, interleaved
    first    a callable with a slow first call beside one without, calibrated and interleaved by our schedule

All times are ns per call, {name: [one per round]}.
"""

from __future__ import annotations

import gc
import timeit
from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from typing import Any

import numpy as np

from samegrad.benchmarks.clock import noise
from samegrad.benchmarks.clock.blocks import time_block
from samegrad.benchmarks.clock.schedule import Pace, calibrate, orders, prefix, run_rounds
from samegrad.benchmarks.clock.selfcheck import subjects

PAIRS = 100
PAIR_BLOCK_NS = 500_000
FIRST_ROUNDS = 30
BIAS_ROUNDS = 60
BIAS_BLOCK_NS = 2_000_000

Times = dict[str, list[float]]


class Local:
    """A callable of this process, as the schedule sees a worker."""

    def __init__(self, call: subjects.Call) -> None:
        self.call = call

    def time(self, prefix: int, calls: int) -> int:
        return time_block(self.call, prefix, calls)


def pairs() -> Times:
    """100 rounds of blocks of 0.5 ms, all with the same number of calls."""
    names = ("plain", *subjects.TRUE_RATIOS)
    locals_ = {name: Local(getattr(subjects, name)()) for name in names}
    pace = calibrate(locals_["plain"], PAIR_BLOCK_NS)
    return _rounds(locals_, dict.fromkeys(names, pace), PAIRS)


def first() -> Times:
    """30 rounds of a callable whose first call takes 0.3 s, and of its twin whose first call does not."""
    locals_ = {"slow_first": Local(subjects.slow_first()), "quick": Local(subjects.quick())}
    return _rounds(locals_, {name: calibrate(local) for name, local in locals_.items()}, FIRST_ROUNDS)


def _rounds(locals_: dict[str, Local], paces: dict[str, Pace], rounds: int) -> Times:
    def fail(name: str, failure: Exception) -> None:
        raise failure

    times = run_rounds(locals_, paces, rounds, np.random.default_rng(), fail, Exception)
    return {name: values.tolist() for name, values in times.items()}


BIAS_SUBJECTS: dict[str, Callable[[], subjects.Call]] = {
    "empty": subjects.empty,
    "4 µs": noise.yardstick,
    "25 µs": subjects.plain,
}


def bias() -> dict[str, Times]:
    """{callable: {loop: times}}, 60 rounds of blocks of 2 ms, the loops in random order within each round."""
    return {name: _bias(make()) for name, make in BIAS_SUBJECTS.items()}


def _bias(call: subjects.Call) -> Times:
    loops: dict[str, Callable[[int, int], float]] = {
        "ours": lambda prefix, calls: time_block(call, prefix, calls),
        "timeit": _after_prefix(call, lambda calls: 1e9 * timeit.Timer(call).timeit(calls)),
    }
    if find_spec("pyperf"):
        loops["pyperf"] = _after_prefix(call, pyperf_loop(call))
    calls = calibrate(Local(call), BIAS_BLOCK_NS).calls
    times: Times = {name: [] for name in loops}
    names = list(loops)
    for order in orders(len(names), BIAS_ROUNDS, np.random.default_rng()):
        for place in order:
            times[names[place]].append(loops[names[place]](prefix(calls), calls) / calls)
    return times


def _after_prefix(call: subjects.Call, loop: Callable[[int], float]) -> Callable[[int, int], float]:
    """A loop made to start as warm as ours does."""

    def warmed(prefix: int, calls: int) -> float:
        time_block(call, prefix, 1)
        return loop(calls)

    return warmed


@cache
def _runner() -> Any:
    """A pyperf Runner that hands over what it was about to time; pyperf allows one of them in a process."""
    import pyperf

    class Taken(pyperf.Runner):
        def _main(self, task: Any) -> Any:
            return task

    runner = Taken()
    runner.parse_args([])
    return runner


def pyperf_loop(call: subjects.Call) -> Callable[[int], float]:
    """The very loop that pyperf's Runner.bench_func times: calls → ns, with garbage collection off as in the others."""
    task = _runner().bench_func("call", call)

    def loop(calls: int) -> float:
        gc.disable()
        try:
            return 1e9 * task.task_func(task, calls)
        finally:
            gc.enable()

    return loop


TRIALS: dict[str, Callable[[], Any]] = {"pairs": pairs, "bias": bias, "first": first}


def trial(name: str) -> Any:
    """One trial, in a process that does nothing else."""
    gc.collect()
    gc.freeze()
    return TRIALS[name]()
