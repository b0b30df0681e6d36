"""The answer in two sentences: who is fastest where calls are small and where they are large.

An interval supports every order that is claimed; where none does, the sentence states that.
"""

from __future__ import annotations

from samegrad.benchmarks.results import passes, units
from samegrad.benchmarks.results.statistics import Interval
from samegrad.benchmarks.results.verdict import SLOWER, verdict
from samegrad.reports.ratios import compare, crossovers
from samegrad.reports.records import CaseTimes, GroupTimes, StoredRun, of_networks
from samegrad.reports.series import over_networks, over_widths

NAMED = 3
"""The most implementations that are named as tied with the fastest."""
FAMILIES = 2
"""The most families, and the most numbers of networks, that the answer speaks of."""
FIRST = "value_and_grad"
"""The pass that the answer is about, if it was measured."""


def headline(run: StoredRun) -> list[GroupTimes]:
    """The groups that the answer is about, by batch: the first problem's gradient, in the first dtype and device.

    Of a variant only if no plain pass was measured. The run must have groups.
    """
    first = min(run.groups, key=lambda group: passes.split(group.pass_)[1] != "")
    fixed = (first.problem, first.dtype, first.device)
    here = [group for group in run.groups if (group.problem, group.dtype, group.device) == fixed]
    chosen = min(here, key=_rank).pass_
    return sorted((group for group in here if group.pass_ == chosen), key=lambda group: group.batch)


def _rank(group: GroupTimes) -> tuple[bool, bool]:
    """Sort key: plain passes before variants, and the gradient first among each."""
    name, variant = passes.split(group.pass_)
    return variant != "", name != FIRST


def answer(run: StoredRun) -> list[str]:
    """One sentence for the smallest batch and, where there is a larger one, one for the largest."""
    if not run.groups:
        return _cold(run)
    groups = headline(run)
    sentences = [_at(groups[0], groups[0])]
    if len(groups) > 1:
        sentences.append(_at(groups[-1], groups[0]) + _crossing(groups))
    width, number = (
        [one.sentence for one in every if one.first.pass_ == FIRST][:FAMILIES]
        for every in (over_widths(run.groups), over_networks(run.groups))
    )
    return [*(f"{sentence}." for sentence in sentences), *width, *number]


def _cold(run: StoredRun) -> list[str]:
    """The answer of a run of cold starts alone: the times, without an order."""
    ready = [cold for cold in run.cold if cold.phases]
    totals = [f"{cold.implementation} {units.time(cold.total_ns, 2)}" for cold in ready[:NAMED]]
    more = f" and {len(ready) - NAMED} more" if len(ready) > NAMED else ""
    return [f"From a new process to the second gradient: {', '.join(totals)}{more}, medians."] if ready else []


def _at(group: GroupTimes, first: GroupTimes) -> str:
    """A sentence on who leads at this batch, by how much, and before whom."""
    choices = [case for case in group.cases if not case.is_floor] or list(group.cases)
    lead = choices[0]
    where = f"At batch {units.count(group.batch)}{of_networks(group.networks)}, "
    what = f" per {passes.unit(group.pass_)}" + (f" of {group.problem}" if group is first else "")
    if len(choices) == 1:
        return (
            f"{where}{lead.implementation} needs {units.time(lead.median_ns)}{what}; nothing else was measured with it"
        )
    against = {case.implementation: compare(group, case, lead) for case in choices[1:]}
    verdicts = {name: verdict(ratio, group.margin) for name, ratio in against.items()}
    if not any(verdicts.values()):
        return (
            f"{where}{lead.implementation} has the lowest median, {units.time(lead.median_ns)}{what}; "
            "without several launches there is no interval, and no order is shown"
        )
    level = [case for case in choices[1:] if verdicts[case.implementation] != SLOWER]
    behind = [case for case in choices[1:] if verdicts[case.implementation] == SLOWER]
    if not level:
        return f"{where}{lead.implementation} needs {units.time(lead.median_ns)}{what}, {_less(behind, against)}"
    tied = [_tied(case, against[case.implementation]) for case in level[:NAMED]]
    tied += [f"{len(level) - NAMED} more"] if len(level) > NAMED else []
    others = " and ".join(part for part in (", ".join(tied[:-1]), tied[-1]) if part)
    lowest = f"{lead.implementation} has the lowest median, {units.time(lead.median_ns)}{what}"
    launches = len(lead.launches)
    return f"{where}{lowest}, but {launches} launches show no difference to {others}" + (
        f"; it needs {_less(behind, against)}" if behind else ""
    )


def _tied(case: CaseTimes, ratio: Interval) -> str:
    """A tie in words, `jax-jit (15.0 µs, 1.05 to 1.19 times)`: the interval is why no difference is shown."""
    interval = units.interval(ratio.low, ratio.high)
    return f"{case.implementation} ({units.time(case.median_ns)}{f', {interval} times' if interval else ''})"


def _less(behind: list[CaseTimes], against: dict[str, Interval]) -> str:
    """The lead on the next and the last, `4.1 times (3.9 to 4.3) less than torch-eager`, without an order of those."""
    ends = behind[:1] if len(behind) == 1 else [behind[0], behind[-1]]
    each = []
    for case in ends:
        ratio = against[case.implementation]
        interval = units.interval(ratio.low, ratio.high)
        each.append(f"{units.ratio(ratio.ratio)} times ({interval}) less than {case.implementation}")
    return " and ".join(each)


def _crossing(groups: list[GroupTimes]) -> str:
    """A clause on where the leader of the largest batch overtook that of the smallest, if the intervals show it."""
    small, large = groups[0].fastest.implementation, groups[-1].fastest.implementation
    for crossing in crossovers(groups, (small, large)) if small != large else ():
        if (crossing.first, crossing.second) == (small, large):
            bounds = f"between batch {units.count(crossing.low)} and {units.count(crossing.high)}"
            return f"; it overtakes {small} {bounds}, near {units.about(crossing.near)}"
    return ""
