"""What the intervals allow one to say: faster, slower, equivalent, or not resolved.

The margin is the difference that one would act on. Between implementations it is 5 %, since the process alone (what
else is loaded, how memory is laid out) moves a ratio by 2 to 4 %; for the same implementation before and after a change
it is 1 %. It is symmetric, from 1/(1 + margin) to 1 + margin, so that "A is slower than B" is "B is faster than A".

    faster        the whole interval lies below the margin
    slower        the whole interval lies above the margin
    equivalent    the whole interval lies within the margin
    not resolved  the interval crosses an edge of the margin: more launches may resolve it

This is the two one-sided tests of equivalence (Schuirmann, J. Pharmacokinet. Biopharm. 15(6), 1987) and their mirror
image; "no significant difference" is never taken for equality. One launch has no interval, and so no verdict.
"""

from __future__ import annotations

from samegrad.benchmarks.results.statistics import Interval

MARGIN = 0.05
REGRESSION_MARGIN = 0.01

FASTER, SLOWER, EQUIVALENT, NOT_RESOLVED, BASELINE = "faster", "slower", "equivalent", "not resolved", "baseline"


def verdict(interval: Interval, margin: float = MARGIN) -> str | None:
    """One of the four words for an interval, or None where there is no interval."""
    if interval.low is None or interval.high is None:
        return None
    least, most = 1 / (1 + margin), 1 + margin
    if interval.high < least:
        return FASTER
    if interval.low > most:
        return SLOWER
    return EQUIVALENT if least <= interval.low and interval.high <= most else NOT_RESOLVED
