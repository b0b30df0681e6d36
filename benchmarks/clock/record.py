"""What is asked of a run, and what came of it: of every case, of every worker, of the run as a whole."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from samegrad.benchmarks.clock import noise, schedule
from samegrad.benchmarks.clock.case import Case
from samegrad.benchmarks.clock.schedule import Pace
from samegrad.benchmarks.documents.doctor import Handicap
from samegrad.impls.child import Failed

YARDSTICK = "(yardstick)"
SENTINEL = "(sentinel)"
BLOCK_SHARE = 1 / 3


@dataclass(frozen=True)
class Request:
    """What to measure and how."""

    cases: Mapping[Case, tuple[str, ...]]
    """Every case, and the implementations to measure it with."""
    launches: int = 3
    threads: int = 1
    seed: int = 42
    baseline: str | None = None
    budget_s: float = 180.0
    """For the whole run: a third for the timed blocks, the rest for starting and compiling, or, where that leaves time
    and the run is noisy, for more launches. The launches asked for are made in any case."""
    least_rounds: int = 10
    block_ns: int = schedule.BLOCK_NS
    time_limit_s: float = 300.0
    """For one worker's start, and for each case in each launch: what it prepares and all its blocks."""
    cpus: tuple[int, ...] = ()
    """To pin the workers to; chosen by itself where there are none."""
    parameters: list[list[Any]] | None = None
    """Initial parameters as nested lists, instead of the seed's."""

    @property
    def implementations(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(name for names in self.cases.values() for name in names))

    @property
    def group_budget_s(self) -> float:
        """Seconds of blocks that each group gets in each launch."""
        return BLOCK_SHARE * self.budget_s / max(1, len(self.cases) * self.launches)


@dataclass
class Group:
    """What was measured of one case."""

    paces: dict[str, Pace] = field(default_factory=dict)
    """Per implementation its calls per block."""
    rounds: int = 0
    """Rounds in each launch."""
    baseline: str | None = None
    times_ns: dict[str, list[NDArray[np.float64]]] = field(default_factory=dict)
    """Per implementation one array (rounds,) for each launch: ns per call, or per step of a loop; the witnesses too."""
    dropped: list[dict[str, Any]] = field(default_factory=list)
    """Rounds of which no time is kept: launch and round, from 1, in whose block it happened, and what."""
    prepared: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Per implementation what the worker told of its first launch: prepare_ns, first_call_ns, agreement."""
    failures: dict[str, Failed] = field(default_factory=dict)

    @property
    def launches(self) -> int:
        """Those that are complete, of the implementations that lasted."""
        return max(map(len, self.times_ns.values()), default=0)

    def sentinel(self) -> tuple[list[NDArray[np.float64]], list[NDArray[np.float64]]]:
        """The duplicate's launches and the baseline's beside them; a launch that comes from a file has no duplicate."""
        both = zip(self.times_ns.get(SENTINEL, []), self.times_ns.get(str(self.baseline), []), strict=False)
        pairs = [(duplicate, original) for duplicate, original in both if len(duplicate)]
        return [duplicate for duplicate, _ in pairs], [original for _, original in pairs]


@dataclass
class Run:
    """Everything that a run has found; complete up to where it was interrupted."""

    request: Request
    groups: dict[Case, Group] = field(default_factory=dict)
    workers: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Per implementation what its worker told at its start: import_ns, threads, affinity."""
    launches: list[dict[str, Any]] = field(default_factory=list)
    cpus: list[int] = field(default_factory=list)
    begun: dict[Case, int] = field(default_factory=dict)
    """The launches that a group had before the run, from an earlier one: they are not measured again."""
    interrupted_by: str | None = None
    """The signal that ended it before its time."""
    handicaps: list[Handicap] = field(default_factory=list)
    gate_s: float = 0.0
    """What the gate took, of all workers together."""
    wall_s: float = 0.0
    hangs: Counter[str] = field(default_factory=Counter)
    """By worker."""

    def noise(self) -> dict[str, Any]:
        """Whether the machine was steady, by the yardstick's rounds and each baseline's sentinel."""
        return noise.noise(self.yardstick(), {case.group: group.sentinel() for case, group in self.groups.items()})

    def yardstick(self) -> list[NDArray[np.float64]]:
        """The yardstick's rounds over all groups, in ns, launch by launch."""
        recorded = [group.times_ns.get(YARDSTICK, []) for group in self.groups.values()]
        return [
            np.concatenate([np.empty(0), *(rounds[number - 1] for rounds in recorded if len(rounds) >= number)])
            for number in (launch["launch"] for launch in self.launches)
        ]

    def missing(self, launch: int) -> list[Case]:
        """What is to be measured in this launch, counted from 1."""
        return [case for case in self.request.cases if self.begun.get(case, 0) < launch]

    @property
    def interrupted(self) -> bool:
        return self.interrupted_by is not None

    def interrupt(self, by: KeyboardInterrupt) -> None:
        """Note that the run was ended: by the signal that it says, or by Ctrl-C, which says nothing."""
        self.interrupted_by = str(by) or "SIGINT"

    def failures(self) -> Iterator[tuple[Case, str, Failed]]:
        for case, group in self.groups.items():
            for name, failure in group.failures.items():
                yield case, name, failure
