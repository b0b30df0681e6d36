"""A run's families of networks: the groups of each, by width, and what they show."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from samegrad.benchmarks.results import passes, units, widths
from samegrad.benchmarks.results.widths import Widths
from samegrad.reports.records import GroupTimes


@dataclass(frozen=True)
class Series:
    """The groups of one family, pass, batch, dtype and device, by width."""

    family: str
    groups: dict[int, GroupTimes]
    measured: Widths

    floors: set[str]

    @property
    def first(self) -> GroupTimes:
        """The group of the narrowest."""
        return next(iter(self.groups.values()))

    @property
    def where(self) -> str:
        """The series in words: `2-w-1 value_and_grad, batch 4`."""
        return f"{self.family} {passes.title(self.first.pass_)}, batch {units.count(self.first.batch)}"

    @property
    def sentence(self) -> str:
        """The sentence on the width up to which the call decides, and on the one from which all are alike."""
        return widths.sentence(self.where, self.measured, self.floors)


def series(groups: Iterable[GroupTimes]) -> list[Series]:
    """Every series of at least three widths, in the order of the groups."""
    by_key: dict[tuple[str, str, int, str, str], dict[int, GroupTimes]] = {}
    for group in groups:
        if known := widths.family(group.problem):
            key = (known[0], group.pass_, group.batch, group.dtype, group.device)
            by_key.setdefault(key, {})[known[1]] = group
    every = []
    for (family, *_), unordered in by_key.items():
        members = dict(sorted(unordered.items()))
        floors = set[str]().union(*(group.floors for group in members.values()))
        if measured := widths.widths({width: group.times_ns for width, group in members.items()}, floors):
            every.append(Series(family, members, measured, floors))
    return every
