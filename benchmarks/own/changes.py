"""From one environment to another: each implementation's ratio with its interval and verdict, and the gate for CI.

Both were timed in the same rounds, so that a launch gives a paired log ratio and the launches a t-interval
(`results/statistics.py`). Each interval holds by itself at 95 %: corrected for the number of cases, five launches could
show nothing below some 10 %. What keeps a verdict from being luck is the margin, which the whole interval has to pass.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Protocol

from samegrad.benchmarks.clock.case import Case
from samegrad.benchmarks.clock.record import Group, Run
from samegrad.benchmarks.documents.groups import ChangeEntry
from samegrad.benchmarks.own.contender import differing
from samegrad.benchmarks.results import units
from samegrad.benchmarks.results.groups import launch_log_ratios
from samegrad.benchmarks.results.statistics import pooled, quantiles, ratio_interval
from samegrad.benchmarks.results.units import DIGITS_OF_CHANGE as DIGITS
from samegrad.benchmarks.results.verdict import FASTER, SLOWER, counted, shows_doubling, verdict
from samegrad.impls.documents.base import fitted

PASSED, IS_SLOWER, NOT_JUDGED = 0, 1, 3
"""Exit statuses with `--fail-above`, those of `samegrad compare`."""
WIDTH = 80
MOST_LINES = 5
"""The most lines on what differs, or on what fails."""
SHOWN = 12
"""The most changes that are all shown; of more, only the resolved ones are."""


def changes(run: Run, margin: float) -> list[ChangeEntry]:
    """Every implementation that was timed in the first environment and in another, case by case."""
    first, *others = (contender.name for contender in run.request.contenders)
    per_case = []
    for case, group in run.groups.items():
        for name in dict.fromkeys(name.rpartition("@")[0] for name in run.request.cases.get(case, ())):
            per_case += [_change(case, group, name, first, other, margin) for other in others]
    return [change for change in per_case if change]


def _change(case: Case, group: Group, name: str, before: str, after: str, margin: float) -> ChangeEntry | None:
    old, new = (group.times_ns.get(f"{name}@{where}", []) for where in (before, after))
    if not (logs := launch_log_ratios(new, old)):
        return None
    interval = ratio_interval(logs)
    old_ns, new_ns = (quantiles(pooled(launches)).median_ns for launches in (old, new))
    fields = {"group": case.group, "implementation": name, "before": before, "after": after, "before_ns": old_ns}
    return fitted(
        fields | {"after_ns": new_ns, **interval._asdict(), "verdict": verdict(interval, margin)}, ChangeEntry
    )


def missing(run: Run) -> list[str]:
    """A line for each implementation of a case that has no time in one of the environments, and why."""
    lines = []
    for case, group in run.groups.items():
        for name in run.request.cases.get(case, ()):
            if not group.times_ns.get(name):
                failure = group.failures.get(name)
                lines.append(f"{name}, {case.group}: {failure.reason if failure else 'was not measured'}")
    return lines


class EnvironmentComparison(Protocol):
    """A run, and its changes from one environment to another."""

    run: Run
    changes: list[ChangeEntry]


def in_words(comparison: EnvironmentComparison, limit: float | None) -> list[str]:
    """The lines of the terminal: what differs between the environments, each change, and what they come to."""
    contenders = comparison.run.request.contenders
    lines = few([f"Differs: {line}" for line in differing(contenders)] or ["Differs: nothing that is installed."])
    lines += [f"Note: {remark}" for contender in contenders for remark in contender.remarks]
    lines += [*table(comparison.changes), summary(comparison.changes, comparison.run.request.margin)]
    lines += [] if limit is None else few(gate(comparison, limit)[1])
    return [part for line in lines for part in textwrap.wrap(line, WIDTH, subsequent_indent="  ")]


def few(lines: Sequence[str]) -> list[str]:
    """The first five lines at most, and how many more there are."""
    if len(lines) <= MOST_LINES:
        return list(lines)
    return [*lines[: MOST_LINES - 1], f"(and {len(lines) - MOST_LINES + 1} more, in the run file)"]


def summary(every: Sequence[ChangeEntry], margin: float) -> str:
    """One sentence: `Of 9 comparisons 1 became slower, 0 faster, 6 stayed within 1 %, and 2 are not resolved.`"""
    counts = counted((change.verdict for change in every), margin)
    return f"Of {len(every)} comparison{'' if len(every) == 1 else 's'} {counts}."


def table(every: Sequence[ChangeEntry]) -> list[str]:
    """Aligned lines below their case's, the largest slowdown first; of many only what is resolved."""
    shown = [change for change in every if len(every) <= SHOWN or change.verdict in (SLOWER, FASTER)]
    first = max((len(change.name) for change in shown), default=0)
    lines = []
    for group in dict.fromkeys(change.group for change in shown):
        lines.append(f"{group}: time over that @{shown[0].before}")
        for change in sorted((one for one in shown if one.group == group), key=lambda one: -one.ratio):
            interval = units.interval(change.low, change.high, DIGITS)
            ratio = f"{units.ratio(change.ratio, DIGITS)}×"
            lines.append(f"  {change.name:{first}}  {ratio:>8}  {interval:>17}  {change.verdict or 'preview'}")
    return lines


def gate(comparison: EnvironmentComparison, limit: float) -> tuple[int, list[str]]:
    """Return the exit status and the lines that explain it: slower by more than the limit, not judged, or passed.

    A gate that judged only a part is not passed.
    """
    lines = {change: f"{change.name}, {change.group}: {change.in_words}" for change in comparison.changes}
    beyond = [line for change, line in lines.items() if (change.low or 0) > 1 + limit]
    if beyond:
        return IS_SLOWER, [f"SLOWER by more than {100 * limit:g} %: {line}" for line in beyond]
    unclear = [f"MISSING: {line}" for line in missing(comparison.run)]
    unclear += [f"NOT JUDGED: {line}" for change, line in lines.items() if not shows_doubling(change.ratio, change.low)]
    if unclear or not lines:
        return NOT_JUDGED, ["That is no pass: not everything could be judged.", *unclear]
    return PASSED, [f"Nothing is shown to be slower by more than {100 * limit:g} %."]
