"""Time that passes without us: a machine that sleeps, a process that somebody stops.

`time.monotonic` and the worker's `time.perf_counter` stand still while Linux is suspended, and go on while a process is
stopped; either way the round that it fell into is no longer a few milliseconds long, caches are cold and the clock rate
may be another. Such a round is dropped for every implementation, so that rounds stay paired, and the run file tells it.
The limit is a matter of seconds where a block is one of milliseconds: what is merely slow is kept.
"""

from __future__ import annotations

import time

STANDSTILL_S = 1.0
STANDSTILL_TIMES = 10
"""A block that takes longer by this much *and* by so many times what it should did not take it by itself."""

_CLOCK = getattr(time, "CLOCK_BOOTTIME", getattr(time, "CLOCK_MONOTONIC", None))


def now_s() -> float:
    """Seconds on a clock that never steps and goes on while the machine sleeps.

    On Linux CLOCK_BOOTTIME; macOS counts sleep in CLOCK_MONOTONIC, and Windows in what Python calls monotonic.
    """
    return time.monotonic() if _CLOCK is None else time.clock_gettime(_CLOCK)


def stood_still_s(took_s: float, expected_s: float) -> float:
    """How long a block that took so long stood still: 0 where it may have taken the time by itself."""
    excess_s = took_s - expected_s
    return excess_s if excess_s > max(STANDSTILL_S, STANDSTILL_TIMES * expected_s) else 0.0
