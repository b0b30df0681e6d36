"""The schedule of one group in one launch: how many calls make a block, and in which order blocks follow one another.

A block is the calls of one worker that are timed in a row, about 3 ms of them. Untimed calls of the same worker run
before it, because the caches still hold another worker's data. A round visits every worker once, in random order.
Times of one round are milliseconds apart, so that a drift of the machine hits all alike and rounds compare in pairs.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import NamedTuple, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from samegrad.benchmarks.clock import suspension

BLOCK_NS = 3_000_000
PREFIX_NS = 1_000_000
PREFIX_SHARE = 0.25
"""The untimed prefix is at least this share of a block, so that a long block has a long prefix."""
READINGS_WITHIN = 0.10
"""How far the two fastest readings of a calibration may be apart, relative to the faster."""
READINGS = 12
"""The most readings of a calibration."""
MOST_ROUNDS = 500
"""The most rounds of a launch. With 49, the median ratio of two processes of the same code scattered by 1.4 to 2.4 %
between launches on a virtual CPU, no more than its standard error within a launch: more rounds narrow it."""


Failure = TypeVar("Failure", bound=Exception)


class BlockTimer(Protocol):
    """What can time a block: `calls` calls after `prefix` untimed ones. Returns the time of the block in ns."""

    def time(self, prefix: int, calls: int) -> int: ...


class Pace(NamedTuple):
    """A worker's pace: the calls in one of its blocks, and the time of a call, in ns, when that number was set."""

    calls: int
    per_call_ns: float

    @property
    def block_ns(self) -> float:
        return self.calls * self.per_call_ns


def calibrate(worker: BlockTimer, block_ns: int = BLOCK_NS) -> Pace:
    """Set the calls that fill a block of `block_ns`, at least one, by two readings that agree within 10 %.

    What disturbs a reading makes it longer, so that the two fastest of at least three must agree: a process that shares
    the CPU can stretch two single calls in a row to the same time slice. If none agree, the fastest decides. Call
    it when all workers are ready and idle, one at a time: a sibling that still imports slows whoever calibrates.
    """
    calls, readings = 1, [math.inf]
    for _ in range(READINGS):
        per_call_ns = max(1.0, worker.time(calls, calls)) / calls
        if calls * per_call_ns < block_ns / 2:  # too short a reading to trust: grow towards the block
            calls = max(2 * calls, min(100 * calls, round(block_ns / per_call_ns)))
            continue
        readings = sorted([*readings, per_call_ns])
        if len(readings) > 3 and readings[1] <= (1 + READINGS_WITHIN) * readings[0]:
            break
        calls = max(1, round(block_ns / readings[0]))
    return Pace(max(1, round(block_ns / readings[0])), readings[0])


def prefix(calls: int, block_ns: float = BLOCK_NS) -> int:
    """The untimed calls before a block of `calls`: at least 1 ms and at least a quarter of the block, at least one."""
    return max(1, math.ceil(calls * max(PREFIX_SHARE, PREFIX_NS / block_ns)))


def orders(count: int, rounds: int, random: np.random.Generator) -> Iterator[NDArray[np.int_]]:
    """`rounds` random orders of `count` workers, balanced: the rows of random Latin squares.

    In every `count` rounds each worker takes each place once. A square is the cyclic one with its rows, columns
    and symbols shuffled.
    """
    for done in range(0, rounds, count):
        cyclic = (np.arange(count)[:, None] + np.arange(count)) % count
        square = random.permutation(count)[cyclic[random.permutation(count)][:, random.permutation(count)]]
        yield from square[: rounds - done]


def affordable_rounds(seconds: float, paces: Collection[Pace], least: int) -> int:
    """How many rounds fit into `seconds`: at least `least`, at most MOST_ROUNDS."""
    round_ns = sum(pace.per_call_ns * (pace.calls + prefix(pace.calls, pace.block_ns)) for pace in paces)
    return max(least, min(MOST_ROUNDS, int(seconds * 1e9 / round_ns)))


def run_rounds(
    workers: Mapping[str, BlockTimer],
    paces: Mapping[str, Pace],
    rounds: int,
    random: np.random.Generator,
    on_failure: Callable[[str, Failure], None],
    failure: type[Failure],
    on_drop: Callable[[str, int, str], None] = lambda name, number, reason: None,
) -> dict[str, NDArray[np.float64]]:
    """Time every worker once a round, in random order: {name: (rounds that were kept,)} in ns per call.

    A worker that raises `failure` is reported to `on_failure` and left out of the rest; its rounds are dropped,
    the others' stay. A round in which the machine or a worker was suspended, or a worker's clock stopped, is dropped
    for all; `on_drop` receives the worker in whose block it happened, the round (from 0), and the reason.
    """
    times = {name: np.full(rounds, np.nan) for name in workers}
    names = list(workers)
    dropped = set()
    for number, order in enumerate(orders(len(names), rounds, random)):
        for place in order:
            name = names[place]
            if name not in times:
                continue
            try:
                block_ns, reason = _timed(workers[name], paces[name])
            except failure as raised:
                del times[name]
                on_failure(name, raised)
                continue
            times[name][number] = block_ns / paces[name].calls
            if reason:
                dropped.add(number)
                on_drop(name, number, reason)
    kept = [number not in dropped for number in range(rounds)]
    return {name: rounds_ns[kept] for name, rounds_ns in times.items()}


def _timed(worker: BlockTimer, pace: Pace) -> tuple[int, str | None]:
    """One block of a worker in ns, and why it cannot be used, if it cannot."""
    untimed = prefix(pace.calls, pace.block_ns)
    began_s = suspension.now_s()
    block_ns = worker.time(untimed, pace.calls)
    took_s = suspension.now_s() - began_s
    if suspended_s := suspension.suspended_s(took_s, (untimed + pace.calls) * pace.per_call_ns / 1e9):
        return block_ns, f"it or the machine was suspended for {suspended_s:.1f} s"
    return block_ns, None if block_ns > 0 else f"its clock measured {block_ns} ns for a block"
