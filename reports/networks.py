"""A run's numbers of networks: the groups that differ in nothing else, by number, and what they show."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from samegrad.benchmarks.results import networks, units
from samegrad.benchmarks.results.networks import Networks
from samegrad.reports.records import GroupTimes


@dataclass(frozen=True)
class NetworkSeries:
    """The groups of one problem, pass, batch, dtype and device, by number of networks."""

    groups: dict[int, GroupTimes]
    result: Networks

    @property
    def first(self) -> GroupTimes:
        """The group of the fewest networks."""
        return next(iter(self.groups.values()))

    @property
    def where(self) -> str:
        """The series in words: `xor value_and_grad, batch 4`."""
        return f"{self.first.what}, batch {units.count(self.first.batch)}"

    @property
    def sentence(self) -> str:
        """The sentence on where the call decides, and on what a network takes at the most of them, beside the floor."""
        return networks.sentence(self.where, self.result)


def series(groups: Iterable[GroupTimes]) -> list[NetworkSeries]:
    """Every series of at least three numbers, in the order of the groups."""
    by_key: dict[tuple[str, str, int, str, str, int], dict[int, GroupTimes]] = {}
    for group in groups:
        key = (group.problem, group.pass_, group.batch, group.dtype, group.place, group.threads)
        by_key.setdefault(key, {})[group.networks] = group
    all_series = []
    for unordered in by_key.values():
        members = dict(sorted(unordered.items()))
        times = {
            number: {case.implementation: [launch.samples_ns for launch in case.launches] for case in group.cases}
            for number, group in members.items()
        }
        floors = {case.implementation for group in members.values() for case in group.cases if case.is_floor}
        if result := networks.networks(times, floors):
            all_series.append(NetworkSeries(members, result))
    return all_series
