"""The verdict on an interval: faster, slower, equivalent, or not resolved.

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

from collections import Counter
from collections.abc import Iterable

from samegrad.benchmarks.results.statistics import Interval

MARGIN = 0.05
REGRESSION_MARGIN = 0.01
UNSEEN = 2.0
"""An interval that reaches this many times below its ratio would not show a doubling."""

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


def shows_doubling(ratio: float, low: float | None) -> bool:
    """Whether the launches scatter so little that they would show at least a doubling."""
    return bool(low) and ratio / float(low or 0) <= UNSEEN


def counted(words: Iterable[str | None], margin: float) -> str:
    """The verdicts on changes, counted: `3 became slower, 2 faster, 60 stayed within 1 %, and 25 are not resolved`."""
    counts = Counter(word or NOT_RESOLVED for word in words)
    return (
        f"{counts[SLOWER]} became slower, {counts[FASTER]} faster, {counts[EQUIVALENT]} stayed within "
        f"{100 * margin:g} %, and {counts[NOT_RESOLVED]} {'is' if counts[NOT_RESOLVED] == 1 else 'are'} not resolved"
    )
