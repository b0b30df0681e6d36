"""Runs of several machines, merged: for each group the log ratios of every machine, launch by launch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from samegrad.benchmarks.documents.merging import host, kind, left_out
from samegrad.benchmarks.documents.run import ExtraInfo, RunDocument
from samegrad.benchmarks.results import machines as results
from samegrad.benchmarks.results import passes, units
from samegrad.benchmarks.results.machines import Across, across
from samegrad.benchmarks.results.statistics import Interval, pairs, ratio_interval
from samegrad.reports.records import of_networks

Logs = dict[str, NDArray[np.float64]]
"""The log ratios of each implementation to the run's own baseline, (launches,), NaN where a launch has none."""


@dataclass(frozen=True, eq=False)
class MachineRun:
    """A run of one machine; `left_out` is the reason why it is not merged. Numbers count from 1."""

    number: int
    path: Path
    file: RunDocument
    left_out: str

    @property
    def kind(self) -> str:
        """The kind of machine: names and counts, and BLAS kernels that were forced."""
        return kind(self.file)

    @property
    def host(self) -> str:
        """The hash of the host's name."""
        return host(self.file)

    @property
    def label(self) -> str:
        """The machine's number and kind: `2: AMD EPYC`."""
        return f"{self.number}: {self.file.samegrad.environment.machine}"

    @cached_property
    def groups(self) -> dict[str, dict[str, ExtraInfo]]:
        """What was recorded, by group and implementation."""
        groups: dict[str, dict[str, ExtraInfo]] = {}
        for benchmark in self.file.benchmarks:
            if benchmark.extra_info.cold_start is None:
                groups.setdefault(str(benchmark.group), {})[benchmark.extra_info.implementation] = benchmark.extra_info
        return groups


def numbered(files: Sequence[tuple[Path, RunDocument]]) -> tuple[MachineRun, ...]:
    """The runs in the order given, and which of them are merged."""
    reasons = left_out([file for _, file in files])
    return tuple(
        MachineRun(number, path, file, reason)
        for number, ((path, file), reason) in enumerate(zip(files, reasons, strict=True), start=1)
    )


@dataclass(frozen=True, eq=False)
class MergedRatio:
    """One implementation's time over the reference's, on every machine that has both, and over all of them."""

    implementation: str
    by_machine: dict[MachineRun, Interval]
    """The ratio on each machine, with an interval that holds for all pairs of the group on that machine together."""
    by_kind: dict[str, Across]
    over_kinds: Across | None
    """The ratio over kinds of machines; None with one kind, and where one host is of several, which are no sample."""
    rank: tuple[int, int] | None
    """The first and the last possible rank; None for a floor, for what some machine lacks, and for one machine."""

    @property
    def over(self) -> Across | None:
        """The ratio over the machines of the one kind, or over the kinds."""
        return next(iter(self.by_kind.values())) if len(self.by_kind) == 1 else self.over_kinds


@dataclass(frozen=True, eq=False)
class MergedGroup:
    """One group on all machines that measured it; the implementation with the lowest mean first."""

    name: str
    facts: ExtraInfo
    reference: str
    machines: tuple[MachineRun, ...]
    ratios: tuple[MergedRatio, ...]

    def where_of(self, ratio: MergedRatio) -> str:
        """The machines in words: `all 3 machines`, `1 machine`, `3 of 4 machines`, `2 settings of 1 machine`."""
        settings, hosts = len(ratio.by_machine), len({machine.host for machine in ratio.by_machine})
        machines = f"{hosts} machine{'' if hosts == 1 else 's'}"
        if hosts < settings:
            return f"{settings} settings of {machines}"
        if settings < len(self.machines):
            return f"{settings} of {len(self.machines)} machines"
        return f"all {machines}" if hosts > 1 else machines

    @property
    def of_next(self) -> str:
        """What the prediction is for, in words: the next `machine of this kind`."""
        return f"machine of {'this' if len(self.kinds) == 1 else 'another'} kind"

    @property
    def kinds(self) -> list[str]:
        """Every kind of machine that measured the group, in the order of the files."""
        return list(dict.fromkeys(machine.kind for machine in self.machines))

    @property
    def title(self) -> str:
        """The group's title: `xor value_and_grad, batch 4, float32 on cpu`."""
        facts = self.facts
        threads = f", {facts.threads_asked} threads" if (facts.threads_asked or 1) != 1 else ""
        where = f"{facts.dtype} on {facts.device}{threads}{of_networks(facts.networks)}"
        return f"{facts.problem} {passes.title(facts.pass_)}, batch {units.count(facts.batch)}, {where}"

    @property
    def compared(self) -> list[MergedRatio]:
        """All ratios but the reference's own."""
        return [ratio for ratio in self.ratios if ratio.implementation != self.reference]

    @property
    def sentences(self) -> list[str]:
        """A sentence for every ratio: what holds on all machines, and on the next."""
        return [
            results.sentence(
                ratio.implementation,
                self.reference,
                [one.ratio for one in ratio.by_machine.values()],
                self.where_of(ratio),
                ratio.over,
                self.of_next,
            )
            for ratio in self.compared
        ]


def merge(machines: Sequence[MachineRun]) -> list[MergedGroup]:
    """Every group of the machines that are merged, in the order of the first that has it."""
    used = [machine for machine in machines if not machine.left_out]
    names = dict.fromkeys(name for machine in used for name in machine.groups)
    merged = (_group(name, [machine for machine in used if name in machine.groups]) for name in names)
    return [group for group in merged if group is not None]


def headline(groups: Sequence[MergedGroup]) -> list[MergedGroup]:
    """The groups to speak of first: the first problem's gradient, or else its first pass, by batch.

    What only one implementation was measured in has no ratio to speak of.
    """
    groups = [group for group in groups if group.compared]
    if not groups:
        return []
    here = [group for group in groups if group.facts.problem == groups[0].facts.problem]
    pass_ = min((group.facts.pass_ for group in here), key=lambda label: label != "value_and_grad")
    return sorted((group for group in here if group.facts.pass_ == pass_), key=lambda group: group.facts.batch)


def _group(name: str, machines: list[MachineRun]) -> MergedGroup | None:
    """The group on these machines, or None where no implementation is on all of them."""
    logs = {machine: _logs(machine.groups[name]) for machine in machines}
    everywhere = [one for one in logs[machines[0]] if all(one in of for of in logs.values())]
    if not everywhere:
        return None
    facts = next(iter(machines[0].groups[name].values()))
    reference = _reference(machines, name, everywhere)
    known = machines[0].file.samegrad.implementations
    ranked = [one for one in everywhere if not (one in known and known[one].is_floor)]
    ranks = dict(zip(ranked, _ranks(logs, ranked, reference), strict=True)) if len(machines) > 1 else {}
    others = dict.fromkeys(one for of in logs.values() for one in of)
    ratios = [_ratio(one, reference, logs, ranks.get(one)) for one in others]
    made = [ratio for ratio in ratios if ratio is not None]
    return MergedGroup(name, facts, reference, tuple(machines), tuple(sorted(made, key=_mean)))


def _logs(of: dict[str, ExtraInfo]) -> Logs:
    """The log ratios of the implementations that have one in some launch."""
    logs = {
        name: np.array([np.nan if launch.log_ratio is None else launch.log_ratio for launch in extra.launches])
        for name, extra in of.items()
    }
    return {name: values for name, values in logs.items() if np.isfinite(values).any()}


def _reference(machines: list[MachineRun], name: str, everywhere: list[str]) -> str:
    """The reference: what most runs took for the baseline, of the implementations that every machine has."""
    baselines = Counter(next(iter(machine.groups[name].values())).baseline for machine in machines)
    return next((one for one, _ in baselines.most_common() if one in everywhere), everywhere[0])


def _between(logs: Logs, one: str, other: str) -> NDArray[np.float64]:
    """log(one / other) in each launch that has both."""
    count = min(len(logs[one]), len(logs[other]))
    difference = logs[one][:count] - logs[other][:count]
    return difference[np.isfinite(difference)]


def _ratio(one: str, reference: str, logs: dict[MachineRun, Logs], rank: tuple[int, int] | None) -> MergedRatio | None:
    """The merged ratio of one implementation to another; None where no machine has a launch of both."""
    launches = {machine: _between(of, one, reference) for machine, of in logs.items() if one in of and reference in of}
    launches = {machine: values for machine, values in launches.items() if values.size}
    if not launches:
        return None
    intervals = {
        machine: Interval(1.0) if one == reference else ratio_interval(values, pairs(len(logs[machine])))
        for machine, values in launches.items()
    }
    by_kind: dict[str, list[NDArray[np.float64]]] = {}
    for machine, values in launches.items():
        by_kind.setdefault(machine.kind, []).append(values)
    over_kinds = None
    if len(by_kind) > 1 and len({machine.host for machine in launches}) == len(launches):
        over_kinds = across([[float(values.mean()) for values in of] for of in by_kind.values()])
    return MergedRatio(one, intervals, {name: across(of) for name, of in by_kind.items()}, over_kinds, rank)


def _ranks(logs: dict[MachineRun, Logs], names: list[str], reference: str) -> list[tuple[int, int]]:
    """The ranks over the machines of one kind, or over kinds; without an order where one host is of several kinds."""
    rows: dict[str, list[list[float]]] = {}
    for machine, of in logs.items():
        rows.setdefault(machine.kind, []).append([float(_between(of, name, reference).mean()) for name in names])
    is_sample = len({machine.host for machine in logs}) == len(logs)
    draws = next(iter(rows.values())) if len(rows) == 1 else [list(np.mean(of, axis=0)) for of in rows.values()]
    ranges = results.ranks(draws if is_sample else draws[:1])
    return [(int(first), int(last)) for first, last in ranges]


def _mean(ratio: MergedRatio) -> float:
    """The geometric mean over machines, to sort by."""
    return float(np.mean([np.log(one.ratio) for one in ratio.by_machine.values()]))
