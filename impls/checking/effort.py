"""Whether a call does all of its work, judged by its times on the CPU.

    alike      for the case's own rows a call takes about as long as for rows that are all different: no row is left out
               because it is equal to another
    anew       a call on rows that were fed just now takes, with the feeding, not many times as long as later calls on
               the same, or as one in the measurement, and the copying of the rows; nor longer than on rows that are fed
               a second time: its result was not computed before it, nor kept
    possible   a call takes at least half the time in which one thread reads its rows

Each compares the shortest times, and times again, more often, what seems to be apart: other processes may be in the
way. Where calls are so long that one of them is interrupted for certain, CPU time of all threads is compared.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from samegrad.impls.checking.subject import Broken

DISTINCT = 5
"""How many times as long a call may take for rows that are all different."""
FED = 20
"""How many times as long it may take with the feeding: seen were 1 to 5, and from 30 on for results that were kept."""
KEPT = 3
"""How many times as long it may take for new rows as for those that were fed before: the work is the same."""
COPIED = 32
"""How many times as long as reading its rows once the feeding may take beside: a transposition that copies one number
after the other takes 25 times, which is longer than the 20 calls of a small network's forward pass."""
POSSIBLE = 0.5
"""A call that takes less than this share of the shortest time for reading its rows is impossible: no measurement of a
cache is that far off."""
SHORTEST_READ_NS = 500
"""Nothing is impossible where reading takes less than this many ns: two readings of the clock may be that far apart."""
LONG_NS = 1_000_000
"""Shorter calls are compared neither by their rows nor by what they leave undone."""
CALLS = (2, 10, 50)
ENOUGH_NS = 200_000_000
"""Calls that took so many ns together are not repeated: over such a time no disturbance makes that much difference."""
READINGS = 20
MOST_CALLS, SETTLING_NS = 200, 20_000_000
"""A call is made so often, or for so many ns, where nothing was measured."""

Call = Callable[[], Any]


def shortest_ns(call: Call, calls: int, before: Call = lambda: None, now_ns: Call = time.perf_counter_ns) -> int:
    """The shortest time of several calls; `before` each of them, untimed."""
    times_ns = []
    for _ in range(calls):
        before()
        began_ns = now_ns()
        call()
        times_ns.append(now_ns() - began_ns)
    return min(times_ns)


def settled_ns(call: Call) -> int:
    """The shortest time of a call, of as many as a measurement makes in a short time: some get faster by and by."""
    first_ns = shortest_ns(call, CALLS[0])
    return min(first_ns, shortest_ns(call, max(1, min(MOST_CALLS, SETTLING_NS // max(1, first_ns)))))


@cache
def shortest_read_ns(size_bytes: int) -> float:
    """The shortest time seen in which one thread reads this many contiguous bytes, without what a call costs.

    It is read by the two reductions of NumPy that are nearest to the memory's speed: the product with itself and the
    maximum.
    """
    many, one = np.ones(max(1, size_bytes // 8)), np.ones(1)
    best_ns = [
        min(shortest_ns(call, READINGS) for call in (lambda a=array: a.dot(a), array.max)) for array in (many, one)
    ]
    return max(0, best_ns[0] - best_ns[1])


def require_possible(name: str, took_ns: float, size_bytes: int, threads: int, what: str = "its rows") -> None:
    """Raise Broken where a call was faster than this many threads of the machine can read what it was given."""
    read_ns = shortest_read_ns(size_bytes)
    if read_ns >= SHORTEST_READ_NS and took_ns < POSSIBLE * read_ns / threads:
        raise Broken(
            "possible",
            f"{name} takes {took_ns:,.0f} ns, but to read the {size_bytes:,} bytes of {what} once takes "
            f"{read_ns:,.0f} ns on this machine: what it returns cannot have been computed from them",
            by_time=True,
        )


def require_alike(name: str, own: Callable[[int], int], fed: Callable[[int], int]) -> None:
    """Raise Broken where a call takes longer for other rows.

    own, fed: the shortest of these calls in ns of CPU time, for the case's own rows, and for others.
    """
    for calls in CALLS:
        own_ns, fed_ns = own(calls), fed(calls)
        if fed_ns <= max(LONG_NS, DISTINCT * own_ns):
            return
        if calls * fed_ns > ENOUGH_NS:
            break
    raise Broken(
        "anew",
        f"{name} takes {own_ns / 1e3:,.0f} µs for the rows that it was prepared with, and {fed_ns / 1e3:,.0f} µs for "
        "as many that are all different: it does not compute every row",
        by_time=True,
    )


def require_anew(name: str, call: Call, feed: Call, renew: Call, repeat: Call, took_ns: float, size_bytes: int) -> None:
    """Raise Broken where a call is short because its work is done elsewhere.

    `renew` makes the rows to `feed`, which have so many bytes; `repeat` does the same work, but for the same rows each
    time. took_ns: what a call takes on the case's own rows.
    """
    copying_ns = COPIED * shortest_read_ns(size_bytes)
    feed()  # what it calls first, it may compile
    call()
    for calls in CALLS:
        later_ns = min(took_ns, shortest_ns(call, calls))
        first_ns = shortest_ns(lambda: (feed(), call()), calls, renew)
        repeat()
        feed()
        call()
        again_ns = shortest_ns(lambda: (feed(), call()), calls, repeat)
        is_kept = first_ns < LONG_NS and first_ns > KEPT * again_ns  # of long calls all may be disturbed
        if first_ns <= FED * later_ns + copying_ns and not is_kept:
            return
        if calls * first_ns > ENOUGH_NS:
            break
    raise Broken(
        "anew",
        f"{name} takes {first_ns / 1e3:,.1f} µs, with the feeding, for rows that are new, "
        f"{again_ns / 1e3:,.1f} µs for rows that were fed before, and {later_ns / 1e3:,.1f} µs "
        "for the same again: its result is computed before the call, or kept",
        by_time=True,
    )
