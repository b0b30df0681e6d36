"""A run in memory: groups of cases, as measured, made from its file. What was not recorded is NaN or empty."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray

from samegrad.benchmarks.documents import run as documents
from samegrad.benchmarks.documents.run import Fit, ImplementationEntry
from samegrad.benchmarks.results import passes, units
from samegrad.benchmarks.results.verdict import MARGIN

NOTHING = float("nan")


def description(name: str) -> ImplementationEntry:
    """Derive an implementation's description from its name alone: `torch-eager` is torch, executed eagerly."""
    framework, _, execution = name.partition("-")
    return ImplementationEntry(framework=framework, execution=execution or "plain")


@dataclass(frozen=True, eq=False)
class LaunchTimes:
    """One launch's share of a case: its rounds' times per call."""

    samples_ns: NDArray[np.float64]
    median_ns: float


@dataclass(frozen=True, eq=False)
class CaseTimes:
    """One implementation in one group."""

    implementation: str
    median_ns: float
    samples_ns: NDArray[np.float64]
    launches: tuple[LaunchTimes, ...] = ()
    extra: documents.ExtraInfo | None = None
    """The other records of the case: agreement, preparation, first call, the device's own figures."""
    is_floor: bool = False
    """A lower bound to read the others against, not one of the choices."""
    notes: tuple[str, ...] = ()
    """The remarks that every table shows beside its verdict: "rows fixed", "under the floor?"."""

    @cached_property
    def spread_ns(self) -> tuple[float, float]:
        """The 10th and the 90th percentile of the rounds' times per call."""
        low, high = np.percentile(self.samples_ns, [10, 90])
        return float(low), float(high)

    @property
    def agreement(self) -> dict[str, float]:
        """The τ of each tensor."""
        return self.extra.agreement if self.extra else {}


def of_networks(number: int) -> str:
    """The words after the device where there are several: `, 1,024 networks`."""
    return f", {units.count(number)} networks" if number != 1 else ""


@dataclass(frozen=True, eq=False)
class GroupTimes:
    """All implementations of one problem, pass, batch, dtype and device, the fastest first."""

    name: str
    problem: str
    pass_: str
    batch: int
    dtype: str
    device: str
    baseline: str
    cases: tuple[CaseTimes, ...]
    margin: float = MARGIN
    """The margin by which differences are judged."""
    threads: int = 1
    networks: int = 1

    @property
    def place(self) -> str:
        """The device, with the threads where the run names them, and without the number of networks."""
        return self.device.removesuffix(of_networks(self.networks))

    @property
    def key(self) -> tuple[str, str, int, str, str]:
        """Problem, pass, batch, dtype and device: the same in every run."""
        return self.problem, self.pass_, self.batch, self.dtype, self.device

    @property
    def facts(self) -> dict[str, Any]:
        """Problem, pass, batch, dtype and device, named as in the run file."""
        return dict(zip(("problem", "pass", "batch", "dtype", "device"), self.key, strict=True))

    @property
    def what(self) -> str:
        """The problem and the pass in words: `xor value_and_grad, input from the host`."""
        return f"{self.problem} {passes.title(self.pass_)}"

    @property
    def setting(self) -> str:
        """The dtype and the device in words: `float32 on cpu`."""
        return f"{self.dtype} on {self.device}"

    @property
    def where(self) -> str:
        """The group in words: `xor value_and_grad, batch 4, float32 on cpu`."""
        return f"{self.what}, batch {units.count(self.batch)}, {self.setting}"

    @property
    def times_ns(self) -> dict[str, list[NDArray[np.float64]]]:
        """The times in ns of each implementation: an array (rounds,) for each launch."""
        return {case.implementation: [launch.samples_ns for launch in case.launches] for case in self.cases}

    @property
    def floors(self) -> set[str]:
        """The implementations that are lower bounds."""
        return {case.implementation for case in self.cases if case.is_floor}

    @property
    def fastest(self) -> CaseTimes:
        """The fastest that is a choice; a floor only where there is nothing else."""
        return next((case for case in self.cases if not case.is_floor), self.cases[0])

    def case(self, implementation: str) -> CaseTimes | None:
        """The case of that implementation, if it was measured."""
        return next((case for case in self.cases if case.implementation == implementation), None)


@dataclass(frozen=True)
class Fitted:
    """One implementation's fixed cost and rate over the batches of one problem, pass, dtype and device."""

    problem: str
    pass_: str
    dtype: str
    device: str
    implementation: str
    fit: Fit

    @property
    def t0_ns(self) -> tuple[float, float, float]:
        """Fixed cost and its interval, NaN where that is not bounded."""
        return (self.fit.t0_ns, *(self.fit.t0_interval_ns or (NOTHING, NOTHING)))

    @property
    def per_row_ns(self) -> tuple[float, float, float]:
        """Cost per row and its interval, NaN where that is not bounded."""
        return (self.fit.per_row_ns, *(self.fit.per_row_interval_ns or (NOTHING, NOTHING)))


@dataclass(frozen=True)
class ColdStart:
    """One implementation in new processes: each phase's times in ns, the peak memory in bytes, or why there is none."""

    implementation: str
    phases: dict[str, tuple[float, ...]]
    peak_bytes: float
    reason: str

    @property
    def medians_ns(self) -> dict[str, float]:
        """The median of every phase."""
        return {phase: median(times) for phase, times in self.phases.items()}

    @property
    def total_ns(self) -> float:
        """The sum of the phases' medians."""
        return sum(self.medians_ns.values()) if self.phases else NOTHING


@dataclass(frozen=True)
class StoredRun:
    """One run file. `implementations` maps each name to its framework, execution, version and what else is recorded."""

    path: Path
    groups: tuple[GroupTimes, ...]
    implementations: dict[str, ImplementationEntry]
    file: documents.RunDocument | None = None
    """The file itself; None where there is no run, but only other documents."""
    fits: tuple[Fitted, ...] = ()
    cold: tuple[ColdStart, ...] = ()

    @property
    def date(self) -> str:
        """The date as the file has it."""
        return self.file.datetime if self.file else ""

    @property
    def ours(self) -> documents.Samegrad:
        """The run file's own part. Of a run that has a file."""
        assert self.file is not None
        return self.file.samegrad

    @property
    def settings(self) -> list[tuple[str, str]]:
        """Every (dtype, device) measured, in the order of the file: each has figures of its own."""
        return list(dict.fromkeys((group.dtype, group.device) for group in self.groups))

    def select(self, dtype: str, device: str) -> list[GroupTimes]:
        """The groups of that dtype and device."""
        return [group for group in self.groups if (group.dtype, group.device) == (dtype, device)]

    @property
    def remarks(self) -> list[str]:
        """Remarks on the run: whether it was interrupted, or continues another."""
        if self.file is None:
            return []
        remarks = ["the run was interrupted; what was complete by then is here"] if self.ours.interrupted else []
        if earlier := self.ours.resumed:
            source = (
                f"{len(earlier.groups)} groups are from {Path(earlier.file).name}, {units.minute(earlier.datetime)}"
            )
            remarks.append(f"the run goes on with an earlier one: {source}")
        return remarks
