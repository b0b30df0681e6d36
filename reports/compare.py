"""Two runs compared: what became faster or slower, what is not resolved, and whether the runs are alike.

The launches of two runs are not paired, so each case is judged by Welch's interval for the difference of two means: of
the logs of the launches' medians, before and after. Where both runs timed the same yardstick (a fixed piece of NumPy
work, in every round), each launch is first divided by its own yardstick, so that a machine that was slower as a whole
does not count as slower code. Intervals hold at 95 % for all cases together (Bonferroni).
"""

from __future__ import annotations

import math
import textwrap
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from samegrad.benchmarks.results import units
from samegrad.benchmarks.results.statistics import Interval, change_interval
from samegrad.benchmarks.results.verdict import FASTER, REGRESSION_MARGIN, SLOWER, counted, shows_doubling, verdict
from samegrad.impls.console.options import percentage
from samegrad.impls.documents.base import DocumentError
from samegrad.reports import provenance, runs
from samegrad.reports.records import CaseTimes, GroupTimes, StoredRun

SHOWN = 20
"""The most cases that the terminal shows whole; of more, only those that became faster or slower."""
INDENTED: dict[str, Any] = {"initial_indent": "    ", "subsequent_indent": "    "}
PASSED, IS_SLOWER, NOT_LIKE, IS_MISSING = 0, 1, 2, 3


@dataclass(frozen=True)
class Change:
    """One implementation in one case, before and after. `comparison` is the time after over the time before."""

    group: GroupTimes
    implementation: str
    before_ns: float
    after_ns: float
    comparison: Interval

    @property
    def word(self) -> str:
        """The verdict at the margin for one implementation before and after; empty without an interval."""
        return verdict(self.comparison, REGRESSION_MARGIN) or ""


def changes(before: StoredRun, after: StoredRun) -> list[Change]:
    """Every case that both runs have, in the order of the later run."""
    earlier = {_key(group, case): case for group in before.groups for case in group.cases}
    matched = [
        (group, case, earlier[_key(group, case)])
        for group in after.groups
        for case in group.cases
        if _key(group, case) in earlier
    ]
    scales = yardsticks(before, after)
    return [
        Change(
            group,
            case.implementation,
            was.median_ns,
            case.median_ns,
            change_interval(_logs(was, scales and scales[0]), _logs(case, scales and scales[1]), len(matched)),
        )
        for group, case, was in matched
    ]


def _key(group: GroupTimes, case: CaseTimes) -> tuple[str, str, int, str, str, str]:
    return (*group.key, case.implementation)


def yardsticks(before: StoredRun, after: StoredRun) -> tuple[list[float], list[float]] | None:
    """Each launch's yardstick in ns, in both runs; None unless all have one, on the same machine by the same NumPy."""
    same_numpy = before.ours.environment.packages.get("numpy") == after.ours.environment.packages.get("numpy")
    if unlike(before, after) or not same_numpy:
        return None
    scales = _yardstick(before), _yardstick(after)
    return scales if all(scales) else None


def _yardstick(run: StoredRun) -> list[float]:
    """The yardstick of every launch in ns; empty where a launch has none."""
    medians_ns = [launch.yardstick.median_ns for launch in run.ours.launches if launch.yardstick]
    return medians_ns if len(medians_ns) == len(run.ours.launches) else []


def _logs(case: CaseTimes, scale: list[float] | None) -> NDArray[np.float64]:
    """The log of each launch's median, on the scale of its yardstick if there is one for every launch."""
    medians = [launch.median_ns for launch in case.launches]
    if scale is not None and len(scale) >= len(medians):
        medians = [median / unit for median, unit in zip(medians, scale, strict=False)]
    return np.log(medians)


def unlike(before: StoredRun, after: StoredRun) -> list[str]:
    """The reasons why two runs cannot be compared: another machine, other threads."""
    pairs = (
        ("machine", before.ours.environment.machine, after.ours.environment.machine),
        ("threads", provenance.threads(before), provenance.threads(after)),
    )
    return [f"{what} differ{'' if what == 'threads' else 's'}: {a} before, {b} after" for what, a, b in pairs if a != b]


def updated(before: StoredRun, after: StoredRun) -> list[str]:
    """The versions that changed, a line each."""
    a, b = before.ours.environment.packages, after.ours.environment.packages
    names = [name for name in {**a, **b} if a.get(name) != b.get(name)]
    return [f"{name} {a.get(name, 'absent')} before, {b.get(name, 'absent')} after" for name in names]


def missing(before: StoredRun, after: StoredRun) -> list[str]:
    """The cases that are gone since, a line per implementation, with the reason where there is one."""
    now = {_key(group, case) for group in after.groups for case in group.cases}
    expected, gone = Counter[str](), Counter[str]()
    for group in before.groups:
        for case in group.cases:
            expected[case.implementation] += 1
            gone[case.implementation] += _key(group, case) not in now
    reasons = {entry.implementation: entry.reason for entry in after.ours.skipped}
    reasons |= {entry.implementation: entry.reason for entry in after.ours.failures}
    interrupted = "the run was interrupted" if after.ours.interrupted else ""
    lines = []
    for name in +gone:
        reason = reasons.get(name) or interrupted
        lines.append(f"{gone[name]} of {expected[name]} cases of {name} are gone" + (f": {reason}" if reason else ""))
    return lines


def not_judged(changed: list[Change]) -> list[str]:
    """The cases, a line each, whose launches scatter so much that not even a doubling would show."""
    return [
        f"{_case(change)}: {_in_words(change.comparison)}"
        for change in changed
        if not shows_doubling(change.comparison.ratio, change.comparison.low)
    ]


def summary(changed: list[Change]) -> str:
    """One sentence: `Of 90 cases that both runs have, 3 became slower, 2 faster, 60 stayed within 1 %, …`"""
    cases = f"case{'' if len(changed) == 1 else 's'}"
    counts = counted((change.word for change in changed), REGRESSION_MARGIN)
    return f"Of {len(changed)} {cases} that both runs have, {counts}."


def compare(
    before_path: str | Path,
    after_path: str | Path,
    fail_above: str | None = None,
    allow_missing: bool = False,
    say: Callable[[str], None] = print,
    width: int | None = None,
) -> int:
    """Print what changed from one run to another and return the exit status, 0 unless there is a limit.

    With `fail_above` (a percentage such as "5%"): IS_SLOWER where some case's whole interval lies above that slowdown,
    NOT_LIKE where machine or threads differ, so that no slowdown can be judged, and IS_MISSING where cases are gone or
    cannot be judged, unless that is allowed. Raises DocumentError for a bad run file, a bad percentage, and runs
    without a case in common. What would be wider than `width` columns is broken between words.
    """

    def tell(line: str) -> None:
        say(textwrap.fill(line, width) if width else line)

    limit = None if fail_above is None else percentage("--fail-above", fail_above)
    before, after = runs.read(before_path), runs.read(after_path)
    changed = changes(before, after)
    if not changed:
        raise DocumentError(f"{before_path} and {after_path} have no case in common, so nothing can be compared")
    for line in unlike(before, after):
        tell(f"NOT LIKE WITH LIKE: {line}")
    for line in updated(before, after):
        tell(f"Note: {line}")
    tell(scale_used(before, after))
    for line in _table(changed, width):
        say(line)
    tell(summary(changed))
    absent, unclear = missing(before, after), not_judged(changed)
    for line in absent:
        tell(f"MISSING: {line}")
    if unclear:
        tell(f"NOT JUDGED: {len(unclear)} of {len(changed)} cases; take more launches. The first: {unclear[0]}")
    return (
        PASSED
        if limit is None
        else _gate(before, after, changed, limit, tell, not allow_missing and bool(absent or unclear))
    )


def _gate(
    before: StoredRun,
    after: StoredRun,
    changed: list[Change],
    limit: float,
    say: Callable[[str], None],
    is_missing: bool,
) -> int:
    """Print whether anything became slower by more than the limit, and return the exit status."""
    if unlike(before, after):
        say("Not judged: only runs of the same machine and threads can show that the code became slower.")
        return NOT_LIKE
    beyond = [change for change in changed if (change.comparison.low or 0) > 1 + limit]
    for change in beyond:
        say(f"SLOWER by more than {100 * limit:g} %: {_case(change)}: {_in_words(change.comparison)}")
    if beyond:
        return IS_SLOWER
    say(f"No case is shown to be slower by more than {100 * limit:g} %.{_least_shown(changed, limit)}")
    if is_missing:
        say("That is no pass, for what is missing or not judged above; --allow-missing would make it one.")
    return IS_MISSING if is_missing else PASSED


def _least_shown(changed: list[Change], limit: float) -> str:
    """A sentence on how much slower the least certain of the judged cases would have to be, to follow others."""
    intervals = [change.comparison for change in changed]
    judged = [ratio / low for ratio, low, _ in intervals if low and shows_doubling(ratio, low)]
    if not judged:
        return ""
    return f" In the least certain that is judged, {100 * ((1 + limit) * max(judged) - 1):.0f} % would have shown."


def scale_used(before: StoredRun, after: StoredRun) -> str:
    """Whether times are compared by the yardstick or as they are, and how the yardstick itself moved."""
    scales = yardsticks(before, after)
    if scales is None:
        return "Times are compared as they are: the runs have no yardstick in common."
    moved = float(np.exp(np.mean(np.log(scales[1])) - np.mean(np.log(scales[0]))))
    return (
        f"Times are compared in units of the yardstick, which itself took {units.ratio(moved)} times as long after; "
        "measured in one run, side by side, they need no such correction. With it, equal code came out 1.2 % apart in "
        "the median of 20 pairs of runs, and 18 % at worst (docs/ci.md)."
    )


def _case(change: Change) -> str:
    group = change.group
    return f"{change.implementation}, {group.where}"


def _in_words(comparison: Interval) -> str:
    return units.ratio_with_interval(*comparison, " times")


def slowest_first(changed: list[Change]) -> list[Change]:
    """The changes, the largest slowdown first, those without a ratio last."""
    return sorted(changed, key=lambda change: -change.comparison.ratio if change.comparison.ratio > 0 else math.inf)


def _table(changed: list[Change], width: int | None) -> list[str]:
    """Aligned lines, the largest slowdown first, or two for each case where they are too wide; of many cases only those
    that are resolved."""
    if len(changed) > SHOWN:
        changed = [change for change in changed if change.word in (FASTER, SLOWER)]
    if not changed:
        return []
    rows = [
        (
            _case(change),
            units.time(change.before_ns),
            units.time(change.after_ns),
            _in_words(change.comparison),
            change.word or "no verdict",
        )
        for change in slowest_first(changed)
    ]
    lines = units.aligned([("case", "before", "after", "after / before", "verdict"), *rows])
    if not width or max(map(len, lines)) <= width:
        return lines
    return [
        line
        for case, before, after, ratio, word in rows
        for line in (
            *textwrap.wrap(case, width),
            *textwrap.wrap(f"{before} before, {after} after: {ratio}, {word}", width, **INDENTED),
        )
    ]
