"""Work whose true ratio is known: a number of equal small steps, 5 % or 3 % more of them, or one slow first call."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable

import numpy as np

Call = Callable[[], object]

STEPS = 100
"""The number of steps in a call: some 25 µs. The call and the loop around the steps cost less than half a step, so that
n % more steps take n % more time to within a fortieth of a point."""

FIRST_CALL_S = 0.3


def steps(count: int) -> Call:
    """A call that does `count` equal steps of small NumPy work, in place."""
    a, b = np.linspace(0.5, 1.5, 8), np.empty(8)
    multiply = np.multiply

    def call() -> None:
        for _ in itertools.repeat(None, count):
            multiply(a, a, b)

    return call


def plain() -> Call:
    return steps(STEPS)


def slower_by_5() -> Call:
    """Exactly 5 % more of the same work."""
    return steps(STEPS * 105 // 100)


def slower_by_3() -> Call:
    """Exactly 3 % more of the same work."""
    return steps(STEPS * 103 // 100)


TRUE_RATIOS = {"again": 1.00, "slower_by_5": 1.05, "slower_by_3": 1.03}
"""The true ratio of each subject's time to `plain`'s; `again` is `plain` a second time."""


def again() -> Call:
    return plain()


def empty() -> Call:
    """A call that does nothing: what remains is the loop's own cost."""

    def call() -> None:
        pass

    return call


def quick() -> Call:
    """Do what `slow_first` does after its first call: next to nothing, some 50 ns."""
    return slow_first(first_call_s=0.0)


def slow_first(first_call_s: float = FIRST_CALL_S) -> Call:
    """A callable whose first call sleeps for 0.3 s, as if it compiled, and whose later calls do next to nothing."""
    waits = [first_call_s]

    def call() -> None:
        if waits:
            time.sleep(waits.pop())

    return call
