"""A run's groups that differ in one number alone, the width of a network or how many there are, and what they show."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from samegrad.benchmarks.results import networks, passes, units, widths
from samegrad.benchmarks.results.networks import Networks
from samegrad.benchmarks.results.widths import Widths
from samegrad.reports import cells
from samegrad.reports.records import CaseTimes, GroupTimes


@dataclass(frozen=True)
class Series:
    """The groups of one family or problem, pass, batch, dtype and device, by their number, and what they show."""

    what: str
    """The family or the problem, and the pass: `2-w-1 value_and_grad`."""
    groups: dict[int, GroupTimes]
    result: Widths | Networks
    floors: set[str]
    """The lower bounds, which ratios leave aside: of networks the one that ratios are to."""
    to: str
    """What ratios are to, in words."""

    @property
    def first(self) -> GroupTimes:
        """The group of the least number."""
        return next(iter(self.groups.values()))

    @property
    def where(self) -> str:
        """The series in words: `2-w-1 value_and_grad, batch 4`."""
        return f"{self.what}, batch {units.count(self.first.batch)}"

    @property
    def sentence(self) -> str:
        """The sentence on the number up to which the call decides, and on how far apart the implementations are."""
        if isinstance(self.result, Networks):
            return networks.sentence(self.where, self.result)
        return widths.sentence(self.where, self.result, self.floors)

    def networks(self, number: float) -> float:
        """How many networks share the time of a call at that number: one where the number is a width."""
        return number if isinstance(self.result, Networks) else 1

    def base(self, number: int) -> CaseTimes:
        """The case that ratios are to: of networks the floor if there is one, else the fastest that is a choice."""
        floor = isinstance(self.result, Networks) and self.groups[number].case(self.result.floor or "")
        return floor or self.groups[number].fastest

    def takeover(self, name: str, beyond: str) -> cells.Cell:
        """The number up to which the call decides, as a cell; `beyond` where that is more than was measured."""
        takeover = self.result.takeovers[name]
        return cells.cell(widths.about(takeover), takeover.ratio) if takeover else beyond

    def takeover_facts(self, name: str, axis: str) -> dict[str, float | None]:
        """The number up to which the call decides and its interval, as columns of a CSV file."""
        number, low, high = self.result.takeovers.get(name) or (None, None, None)
        return {f"takeover_{axis}": number, "takeover_low": low, "takeover_high": high}


def over_widths(groups: Iterable[GroupTimes]) -> list[Series]:
    """Every family of at least three widths, in the order of the groups."""
    every = []
    for what, members, floors in _by_number((group, group.device, widths.family(group.problem)) for group in groups):
        if result := widths.widths({width: group.times_ns for width, group in members.items()}, floors):
            every.append(Series(what, members, result, floors, "the fastest, floors aside"))
    return every


def over_networks(groups: Iterable[GroupTimes]) -> list[Series]:
    """Every series of at least three numbers of networks, in the order of the groups."""
    every = []
    for what, members, floors in _by_number((group, group.place, (group.problem, group.networks)) for group in groups):
        if result := networks.networks({number: group.times_ns for number, group in members.items()}, floors):
            floor = result.floor
            every.append(Series(what, members, result, {floor} if floor else set(), floor or "the fastest"))
    return every


def _by_number(
    groups: Iterable[tuple[GroupTimes, str, tuple[str, int] | None]],
) -> Iterator[tuple[str, dict[int, GroupTimes], set[str]]]:
    """What each series is of, its groups by number, and its floors.

    groups: each with its place, and the family or problem with the number; None leaves it out.
    """
    by_key: dict[tuple[str, str, int, str, str, int], dict[int, GroupTimes]] = {}
    for group, place, known in groups:
        if known:
            key = (known[0], group.pass_, group.batch, group.dtype, place, group.threads)
            by_key.setdefault(key, {})[known[1]] = group
    for (name, pass_, *_), members in by_key.items():
        floors = set[str]().union(*(group.floors for group in members.values()))
        yield f"{name} {passes.title(pass_)}", dict(sorted(members.items())), floors
