"""Detect that the machine slept or that a process was stopped during a block.

`time.monotonic` and the worker's `time.perf_counter` stop while Linux is suspended, and go on while a process is
stopped. In both cases the round in which it happens is longer than a few milliseconds, caches are cold and the clock
rate may have changed. Such a round is dropped for every implementation, so that rounds stay paired, and the run file
records it. The limit is in seconds while a block takes milliseconds: what is merely slow is kept.
"""

from __future__ import annotations

import time

SUSPENSION_S = 1.0
SUSPENSION_TIMES = 10
"""A block was suspended if it takes longer than expected by more than this many seconds *and* this many times."""

_CLOCK = getattr(time, "CLOCK_BOOTTIME", getattr(time, "CLOCK_MONOTONIC", None))


def now_s() -> float:
    """Seconds on a clock that never steps and goes on while the machine sleeps.

    On Linux CLOCK_BOOTTIME; macOS counts sleep in CLOCK_MONOTONIC, and Windows in what Python calls monotonic.
    """
    return time.monotonic() if _CLOCK is None else time.clock_gettime(_CLOCK)


def suspended_s(took_s: float, expected_s: float) -> float:
    """Return for how long a block of this duration was suspended: 0 where it may merely have been slow."""
    excess_s = took_s - expected_s
    return excess_s if excess_s > max(SUSPENSION_S, SUSPENSION_TIMES * expected_s) else 0.0
