"""A run's groups that differ in one number alone, the width of a network or how many there are, and what they show."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass

from samegrad.benchmarks.results import passes, series, units
from samegrad.benchmarks.results.groups import Times
from samegrad.benchmarks.results.series import Growth
from samegrad.reports.records import CaseTimes, GroupTimes


@dataclass(frozen=True)
class Series:
    """The groups of one family or problem, pass, batch, dtype and device, by their number, and what they show."""

    name: str
    """The family or the problem: `2-w-1`."""
    groups: dict[int, GroupTimes]
    result: Growth
    place: str
    """The device, with the threads where the run names them."""

    @property
    def first(self) -> GroupTimes:
        """The group of the least number."""
        return next(iter(self.groups.values()))

    @property
    def where(self) -> str:
        """The series in words: `2-w-1 value_and_grad, batch 4`."""
        return f"{self.name} {passes.title(self.first.pass_)}, batch {units.count(self.first.batch)}"

    @property
    def setting(self) -> tuple[str, str]:
        """The dtype and the place: series of one are in one figure."""
        return self.first.dtype, self.place

    @property
    def aside(self) -> Collection[str]:
        """The lower bounds that ratios leave aside: the one that they are to, or else all."""
        return {self.result.floor} if self.result.floor else self.result.floors

    @property
    def to(self) -> str:
        """What ratios are to, in words."""
        return self.result.floor or f"the fastest{', floors aside' if self.result.floors else ''}"

    @property
    def sentence(self) -> str:
        """The sentence on the number up to which the call decides, and on how far apart the implementations are."""
        return self.result.sentence(self.where)

    def base(self, number: int) -> CaseTimes:
        """The case that ratios are to: the floor if there is one for that, else the fastest that is a choice."""
        floor = self.result.floor and self.groups[number].case(self.result.floor)
        return floor or self.groups[number].fastest


def over_widths(groups: Iterable[GroupTimes]) -> list[Series]:
    """Every family of at least three widths, in the order of the groups."""
    known = ((group, group.device, series.family(group.problem)) for group in groups)
    return _grown(((group, device, *of) for group, device, of in known if of), series.widths)


def over_networks(groups: Iterable[GroupTimes]) -> list[Series]:
    """Every series of at least three numbers of networks, in the order of the groups."""
    return _grown(((group, group.place, group.problem, group.networks) for group in groups), series.networks)


def _grown(
    groups: Iterable[tuple[GroupTimes, str, str, int]],
    grown: Callable[[Mapping[int, Times], Collection[str]], Growth | None],
) -> list[Series]:
    """Every series of groups, each given with its place, its family or problem, and its number."""
    by_key: dict[tuple[str, str, int, str, str], dict[int, GroupTimes]] = {}
    for group, place, name, number in groups:
        by_key.setdefault((name, group.pass_, group.batch, group.dtype, place), {})[number] = group
    every = []
    for (name, *_, place), members in by_key.items():
        ordered = dict(sorted(members.items()))
        floors = set[str]().union(*(group.floors for group in members.values()))
        if result := grown({number: group.times_ns for number, group in ordered.items()}, floors):
            every.append(Series(name, ordered, result, place))
    return every
