"""The request for a run, and its results: of every case, of every worker, of the run as a whole."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from samegrad.benchmarks.clock import noise, schedule
from samegrad.benchmarks.clock.case import Case
from samegrad.benchmarks.clock.contestant import Contestant, Function, Registered
from samegrad.benchmarks.clock.schedule import Pace
from samegrad.benchmarks.documents.doctor import Handicap
from samegrad.benchmarks.results.groups import choose_baseline, rows
from samegrad.benchmarks.results.verdict import MARGIN, NOT_RESOLVED
from samegrad.impls.child import Failed
from samegrad.impls.registry import get_entry

if TYPE_CHECKING:
    from samegrad.benchmarks.own.contender import Contender

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
    """The largest number of threads of any case."""
    seed: int = 42
    baseline: str | None = None
    budget_s: float = 180.0
    """Seconds for the whole run: a third for the timed blocks, the rest for starting and compiling. What that leaves
    goes to more launches, if the run is noisy and undecided. The requested launches are made in any case."""
    least_rounds: int = 10
    block_ns: int = schedule.BLOCK_NS
    time_limit_s: float = 300.0
    """Seconds for one worker's start, and for each case in each launch: its preparation and all its blocks."""
    cpus: tuple[int, ...] = ()
    """The CPUs to pin the workers to; empty: chosen automatically."""
    margin: float = MARGIN
    """The difference between two implementations that matters."""
    parameters: list[list[Any]] | None = None
    """Initial parameters as nested lists, instead of the seed's."""
    contestants: Mapping[str, Contestant] = field(default_factory=dict)
    """The contestants that are not the registry's: those of another environment, or of the user's own."""
    contenders: tuple[Contender, ...] = ()
    """The environments that are compared, if any; the others with the first."""

    def contestant(self, name: str) -> Contestant:
        """The contestant of that name, which may be the yardstick's."""
        if name == YARDSTICK:
            return Function("samegrad.benchmarks.clock.noise:yardstick")
        return self.contestants.get(name) or Registered(name, get_entry(name))

    @property
    def implementations(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(name for names in self.cases.values() for name in names))

    @property
    def parameters_source(self) -> dict[str, str | None]:
        """The source of the initial parameters, and the hash of those that come from a file."""
        if self.parameters is None:
            return {"parameters": "from the seed", "parameters_sha256": None}
        digest = hashlib.sha256(json.dumps(self.parameters).encode()).hexdigest()
        return {"parameters": "from a file", "parameters_sha256": digest}

    @property
    def group_budget_s(self) -> float:
        """Seconds of blocks that each group gets in each launch."""
        return BLOCK_SHARE * self.budget_s / max(1, len(self.cases) * self.launches)


@dataclass
class Group:
    """The results of one case."""

    paces: dict[str, Pace] = field(default_factory=dict)
    """The pace of each implementation: its calls per block."""
    rounds: int = 0
    """The number of rounds in each launch."""
    baseline: str | None = None
    times_ns: dict[str, list[NDArray[np.float64]]] = field(default_factory=dict)
    """For each implementation and witness an array (rounds,) for each launch: ns per call, or per step of a loop."""
    faults: dict[str, list[float]] = field(default_factory=dict)
    """The pages that a call faulted in, by implementation: the median over the blocks of each launch."""
    dropped: list[dict[str, Any]] = field(default_factory=list)
    """Rounds of which no time is kept: launch and round, from 1, in whose block it happened, and what."""
    prepared: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Each worker's answer to `prepare` in the first launch: prepare_ns, first_call_ns, agreement."""
    failures: dict[str, Failed] = field(default_factory=dict)

    @property
    def measured(self) -> dict[str, list[NDArray[np.float64]]]:
        """The implementations that have at least one complete launch, without the witnesses."""
        return {name: times for name, times in self.times_ns.items() if times and name not in (SENTINEL, YARDSTICK)}

    @property
    def launches(self) -> int:
        """The number of complete launches, of the implementations that lasted."""
        return max(map(len, self.times_ns.values()), default=0)

    def sentinel(self) -> tuple[list[NDArray[np.float64]], list[NDArray[np.float64]]]:
        """The duplicate's launches and the baseline's beside them; a launch that comes from a file has no duplicate."""
        both = zip(self.times_ns.get(SENTINEL, []), self.times_ns.get(str(self.baseline), []), strict=False)
        pairs = [(duplicate, original) for duplicate, original in both if len(duplicate)]
        return [duplicate for duplicate, _ in pairs], [original for _, original in pairs]


@dataclass
class Run:
    """Everything that a run has measured, complete up to where it was interrupted."""

    request: Request
    groups: dict[Case, Group] = field(default_factory=dict)
    workers: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Each worker's answer to `start`: import_ns, threads, affinity."""
    launches: list[dict[str, Any]] = field(default_factory=list)
    cpus: list[int] = field(default_factory=list)
    begun: dict[Case, int] = field(default_factory=dict)
    """How many launches of a group an earlier run measured: they are not measured again."""
    interrupted_by: str | None = None
    """The signal that ended it before its time."""
    handicaps: list[Handicap] = field(default_factory=list)
    gate_s: float = 0.0
    """Seconds that the gate took, in all workers together."""
    wall_s: float = 0.0
    hangs: Counter[str] = field(default_factory=Counter)
    """How often each worker has hung."""

    def noise(self) -> dict[str, Any]:
        """Whether the machine was steady, by the yardstick's rounds and each baseline's sentinel."""
        sentinels = {case.group: group.sentinel() for case, group in self.groups.items()}
        return noise.noise(
            self.yardstick(), sentinels, {case.group: group.faults for case, group in self.groups.items()}
        )

    def is_resolved(self) -> bool:
        """Whether the intervals decide every comparison: more launches would change no verdict."""
        return not any(
            row["verdict"] == NOT_RESOLVED
            for group in self.groups.values()
            if (times := group.measured)
            for row in rows(times, choose_baseline(times, group.baseline), self.request.margin)
        )

    def yardstick(self) -> list[NDArray[np.float64]]:
        """The yardstick's rounds over all groups, in ns, launch by launch."""
        recorded = [group.times_ns.get(YARDSTICK, []) for group in self.groups.values()]
        return [
            np.concatenate([np.empty(0), *(rounds[number - 1] for rounds in recorded if len(rounds) >= number)])
            for number in (launch["launch"] for launch in self.launches)
        ]

    def missing(self, launch: int) -> list[Case]:
        """The cases to measure in this launch, counted from 1: none of which every implementation has failed."""
        return [
            case
            for case, names in self.request.cases.items()
            if self.begun.get(case, 0) < launch and not self.groups[case].failures.keys() >= set(names)
        ]

    @property
    def interrupted(self) -> bool:
        return self.interrupted_by is not None

    def interrupt(self, by: KeyboardInterrupt) -> None:
        """Record the signal that ended the run: the one that the exception names, else Ctrl-C."""
        self.interrupted_by = str(by) or "SIGINT"

    def failures(self) -> Iterator[tuple[Case, str, Failed]]:
        for case, group in self.groups.items():
            for name, failure in group.failures.items():
                yield case, name, failure
