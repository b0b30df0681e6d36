"""A run in memory: groups of cases, as measured. What a file does not say is NaN, empty text or an empty tuple."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.results import passes, units
from benchmarks.results.verdict import MARGIN
from reports.parts import ColdStart, Fit
from reports.reading import NOTHING


def description(name: str) -> dict[str, Any]:
    """What a name alone tells of an implementation: `torch-eager` is torch, executed eagerly."""
    framework, _, execution = name.partition("-")
    return {"framework": framework, "execution": execution or "plain", "version": ""}


@dataclass(frozen=True, eq=False)
class Launch:
    """One launch's share of a case: its rounds' times per call."""

    samples_ns: NDArray[np.float64]
    median_ns: float


@dataclass(frozen=True, eq=False)
class Case:
    """One implementation in one group."""

    implementation: str
    median_ns: float
    samples_ns: NDArray[np.float64]
    launches: tuple[Launch, ...] = ()
    tau: float = NOTHING
    agreement: dict[str, float] = field(default_factory=dict)
    prepare_ns: float = NOTHING
    first_call_ns: float = NOTHING
    memory_bytes: float = NOTHING
    """What the case needed on its device at most, where that was recorded."""
    is_floor: bool = False
    """A lower bound to read the others against, not one of the choices."""

    @cached_property
    def spread_ns(self) -> tuple[float, float]:
        """The 10th and the 90th percentile of the rounds' times per call."""
        if not self.samples_ns.size:
            return self.median_ns, self.median_ns
        low, high = np.percentile(self.samples_ns, [10, 90])
        return float(low), float(high)


@dataclass(frozen=True, eq=False)
class Group:
    """All implementations of one problem, pass, batch, dtype and device, the fastest first."""

    name: str
    problem: str
    pass_: str
    batch: int
    dtype: str
    device: str
    baseline: str
    cases: tuple[Case, ...]
    margin: float = MARGIN

    @property
    def what(self) -> str:
        """`xor value_and_grad, input from the host`."""
        return f"{self.problem} {passes.title(self.pass_)}"

    @property
    def setting(self) -> str:
        """`float32 on cpu`."""
        return f"{self.dtype} on {self.device}"

    @property
    def where(self) -> str:
        """`xor value_and_grad, batch 4, float32 on cpu`."""
        return f"{self.what}, batch {units.count(self.batch)}, {self.setting}"

    @property
    def fastest(self) -> Case:
        """The fastest that is a choice; a floor only where there is nothing else."""
        return next((case for case in self.cases if not case.is_floor), self.cases[0])

    def case(self, implementation: str) -> Case | None:
        """The case of that implementation, if it was measured."""
        return next((case for case in self.cases if case.implementation == implementation), None)


@dataclass(frozen=True)
class Run:
    """One run file. `implementations` maps each name to its framework, execution, version and what else is recorded."""

    path: Path
    date: str
    groups: tuple[Group, ...]
    implementations: dict[str, dict[str, Any]]
    command: str = ""
    options: dict[str, Any] = field(default_factory=dict)
    environment: dict[str, Any] = field(default_factory=dict)
    launches: tuple[dict[str, Any], ...] = ()
    noise: dict[str, Any] = field(default_factory=dict)
    failures: tuple[dict[str, Any], ...] = ()
    skipped: tuple[dict[str, Any], ...] = ()
    dropped: tuple[dict[str, Any], ...] = ()
    """Rounds that were measured but not kept: group, launch, round, where, and the reason."""
    remarks: tuple[str, ...] = ()
    commit: str = ""
    fits: tuple[Fit, ...] = ()
    cold: tuple[ColdStart, ...] = ()

    @property
    def settings(self) -> list[tuple[str, str]]:
        """Every (dtype, device) measured, in the order of the file: each has figures of its own."""
        return list(dict.fromkeys((group.dtype, group.device) for group in self.groups))

    def select(self, dtype: str, device: str) -> list[Group]:
        """The groups of that dtype and device."""
        return [group for group in self.groups if (group.dtype, group.device) == (dtype, device)]
