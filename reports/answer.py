"""The answer in two sentences: who is fastest where calls are small and where they are large.

An interval supports every order that is claimed; where none does, the sentence states that.
"""

from __future__ import annotations

from samegrad.benchmarks.results import passes, units
from samegrad.benchmarks.results.statistics import Interval
from samegrad.benchmarks.results.verdict import SLOWER, verdict
from samegrad.reports.ratios import compare, crossovers
from samegrad.reports.records import Case, Group, Run

NAMED = 3
"""The most implementations that are named as tied with the fastest."""
FIRST = "value_and_grad"
"""The pass that the answer is about, if it was measured."""


def headline(run: Run) -> list[Group]:
    """The groups that the answer is about, by batch: the first problem's gradient, in the first dtype and device.

    Of a variant only if no plain pass was measured. The run must have groups.
    """
    first = min(run.groups, key=lambda group: passes.split(group.pass_)[1] != "")
    fixed = (first.problem, first.dtype, first.device)
    here = [group for group in run.groups if (group.problem, group.dtype, group.device) == fixed]
    chosen = min(here, key=_rank).pass_
    return sorted((group for group in here if group.pass_ == chosen), key=lambda group: group.batch)


def _rank(group: Group) -> tuple[bool, bool]:
    """Sort key: plain passes before variants, and the gradient first among each."""
    name, variant = passes.split(group.pass_)
    return variant != "", name != FIRST


def answer(run: Run) -> list[str]:
    """One sentence for the smallest batch and, where there is a larger one, one for the largest."""
    if not run.groups:
        return _cold(run)
    groups, limit = headline(run), run.margin
    sentences = [_at(groups[0], limit, groups[0])]
    if len(groups) > 1:
        sentences.append(_at(groups[-1], limit, groups[0]) + _crossing(groups, limit))
    return [f"{sentence}." for sentence in sentences]


def _cold(run: Run) -> list[str]:
    """What a run of cold starts alone answers: the times, without an order."""
    ready = [cold for cold in run.cold if cold.phases]
    told = [f"{cold.implementation} {units.time(cold.total_ns, 2)}" for cold in ready[:NAMED]]
    more = f" and {len(ready) - NAMED} more" if len(ready) > NAMED else ""
    return [f"From a new process to the second gradient: {', '.join(told)}{more}, medians."] if ready else []


def _at(group: Group, limit: float, first: Group) -> str:
    """Who leads at this batch, by how much, and before whom."""
    choices = [case for case in group.cases if not case.is_floor] or list(group.cases)
    lead = choices[0]
    where = f"At batch {units.count(group.batch)}, "
    what = f" per {passes.unit(group.pass_)}" + (f" of {group.problem}" if group is first else "")
    if len(choices) == 1:
        return (
            f"{where}{lead.implementation} needs {units.time(lead.median_ns)}{what}; nothing else was measured with it"
        )
    against = {case.implementation: compare(group, case, lead) for case in choices[1:]}
    verdicts = {name: verdict(found, limit) for name, found in against.items()}
    if not any(verdicts.values()):
        return (
            f"{where}{lead.implementation} has the lowest median, {units.time(lead.median_ns)}{what}; "
            "without several launches there is no interval, and no order is shown"
        )
    level = [case for case in choices[1:] if verdicts[case.implementation] != SLOWER]
    behind = [case for case in choices[1:] if verdicts[case.implementation] == SLOWER]
    if not level:
        return f"{where}{lead.implementation} needs {units.time(lead.median_ns)}{what}, {_less(behind, against)}"
    told = [f"{case.implementation} ({units.time(case.median_ns)})" for case in level[:NAMED]]
    more = [f"{len(level) - NAMED} more"] if len(level) > NAMED else []
    others = " and ".join(part for part in (", ".join((told + more)[:-1]), (told + more)[-1]) if part)
    lowest = f"{lead.implementation} has the lowest median, {units.time(lead.median_ns)}{what}"
    return f"{where}{lowest}, but no difference to {others} is shown" + (
        f"; it needs {_less(behind, against)}" if behind else ""
    )


def _less(behind: list[Case], against: dict[str, Interval]) -> str:
    """`4.1 times (3.9 to 4.3) less than torch-eager`, of the next and the last; no order is claimed between them."""
    ends = behind[:1] if len(behind) == 1 else [behind[0], behind[-1]]
    told = []
    for case in ends:
        found = against[case.implementation]
        interval = units.interval(found.low, found.high)
        told.append(f"{units.ratio(found.ratio)} times ({interval}) less than {case.implementation}")
    return " and ".join(told)


def _crossing(groups: list[Group], limit: float) -> str:
    """Where the leader of the largest batch overtook that of the smallest, if the intervals show it."""
    small, large = groups[0].fastest.implementation, groups[-1].fastest.implementation
    for found in crossovers(groups, (small, large), limit) if small != large else ():
        if (found.first, found.second) == (small, large):
            bounds = f"between batch {units.count(found.low)} and {units.count(found.high)}"
            return f"; it overtakes {small} {bounds}, near {units.count(_rounded(found.near))}"
    return ""


def _rounded(batch: float) -> float:
    """Two digits: an interpolation between measured batches deserves no more."""
    return float(f"{batch:.1e}")
