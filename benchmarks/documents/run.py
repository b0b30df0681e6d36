"""A run file: pytest-benchmark's JSON with this suite's `extra_info` for each benchmark, and one key `samegrad`.

The key `samegrad` is not one that `pytest-benchmark compare` reads, and nothing that changes from run to run goes into
`machine_info`, which it compares as a whole.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, ClassVar

import msgspec

from samegrad.benchmarks.documents.doctor import Handicap
from samegrad.benchmarks.documents.environment import Environment
from samegrad.benchmarks.documents.groups import ChangeEntry, ContenderEntry, GroupEntry, IntervalEntry
from samegrad.impls.documents.base import (
    Count,
    Distance,
    Document,
    DocumentPart,
    Ratio,
    Rows,
    Seconds,
    Share,
    Time,
    plain,
)

Sample = Annotated[float, msgspec.Meta(gt=0, le=1e9)]
"""A time in seconds, as pytest-benchmark has it."""


class QuantilesEntry(DocumentPart, frozen=True, kw_only=True):
    """The median and the 10th and 90th percentile of times in ns."""

    median_ns: Time
    p10_ns: Time
    p90_ns: Time


class LaunchEntry(QuantilesEntry, frozen=True, kw_only=True):
    """One launch of one implementation in one group. `log_ratio` is to the baseline, null where that was gone.

    `faults`: the pages of memory that a call faults in, the median over blocks.
    """

    launch: Rows
    rounds: Rows
    log_ratio: float | None
    faults: Distance | None = None


class ExtraInfo(DocumentPart, frozen=True, kw_only=True, omit_defaults=True):
    """What this suite records of one benchmark: an implementation's times in one case, or a phase of its cold start.

    `tau` is the largest of `agreement`, which has τ by tensor. The ratio to the baseline, its interval and the verdict
    are those of the group's row.
    """

    implementation: str
    cold_start: str | None = None
    processes: Count | None = None
    framework: str = ""
    framework_version: str = ""
    execution: str = ""
    problem: str = ""
    pass_: str = msgspec.field(name="pass", default="")
    batch: Rows = 1
    dtype: str = ""
    device: str = ""
    networks: Rows = 1
    threads_asked: Rows | None = None
    threads_found: dict[str, Count | None] = {}
    affinity: tuple[Count, ...] | None = None
    seed: Count | None = None
    prepare_ns: Count | None = None
    first_call_ns: Count | None = None
    gate_ns: Count | None = None
    device_memory_bytes: Count | None = None
    device_ns: Time | None = None
    compilations: Count | None = None
    tau: Distance | None = None
    agreement: dict[str, Distance] = {}
    launches: tuple[LaunchEntry, ...] = ()
    baseline: str = ""

    def __post_init__(self) -> None:
        if self.cold_start is not None:
            return
        names = ("problem", "pass_", "dtype", "device", "baseline", "launches", "framework", "execution")
        if missing := [name.rstrip("_") for name in names if not getattr(self, name)]:
            raise ValueError(f"lacks {', '.join(missing)}")


class Stats(DocumentPart, frozen=True, kw_only=True):
    """All samples in order, launch by launch, in seconds per call; none where the rounds were left out."""

    data: tuple[Sample, ...] = ()


class Benchmark(DocumentPart, frozen=True, kw_only=True):
    """One of pytest-benchmark's benchmarks."""

    extra_info: ExtraInfo
    stats: Stats
    group: str | None = None

    def __post_init__(self) -> None:
        rounds = sum(launch.rounds for launch in self.extra_info.launches)
        if self.extra_info.cold_start is None and not self.group:
            raise ValueError("its group has no name")
        if self.extra_info.cold_start is None and self.stats.data and rounds != len(self.stats.data):
            raise ValueError(f"its launches have {rounds} rounds, but its stats {len(self.stats.data)} samples")


class OptionsEntry(DocumentPart, frozen=True, kw_only=True):
    """The options of the run."""

    batches: tuple[Rows, ...]
    dtypes: tuple[str, ...]
    threads: Rows
    """The largest number of threads; `thread_counts`, which older files do not have, lists all."""
    thread_counts: tuple[Rows, ...] = ()
    launches: Rows
    margin: Annotated[float, msgspec.Meta(ge=0, le=100)]
    implementations: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    devices: tuple[str, ...] = ()
    passes: tuple[str, ...] = ()
    seed: Count = 42
    baseline: str | None = None
    budget_s: Seconds = 180.0
    block_ns: Rows = 3_000_000
    networks: tuple[Rows, ...] | msgspec.UnsetType = msgspec.UNSET
    """The numbers of networks, where one of them is not 1."""
    parameters: str = "from the seed"
    parameters_sha256: str | None = None


class ImplementationEntry(DocumentPart, frozen=True, kw_only=True, omit_defaults=True):
    """What was timed under a name. `threads` are those of its worker's pools."""

    framework: str
    execution: str
    is_floor: bool | None = None
    version: str = ""
    threads: dict[str, Count | None] | None = None
    import_s: Seconds | None = None


class LaunchOfRun(DocumentPart, frozen=True, kw_only=True, omit_defaults=True):
    """When a launch began, and its yardstick: a fixed piece of NumPy work, timed in every round.

    `foreign_cpus` is how many CPUs the programs of others kept busy during its rounds, on average; `stolen` the share
    of all CPU time that the hypervisor gave to other machines. Null where that is not known.
    """

    launch: Rows
    started: str
    yardstick: QuantilesEntry | None = None
    foreign_cpus: Distance | None = None
    stolen: Share | None = None


class Noise(DocumentPart, frozen=True, kw_only=True):
    """Whether the machine was steady, and why not; by group the duplicate's time over the baseline's."""

    noisy: bool
    reasons: tuple[str, ...]
    yardstick_spread: Ratio | None
    sentinel: dict[str, IntervalEntry] = {}


class OwnEntry(DocumentPart, frozen=True, kw_only=True):
    """What `samegrad time` records of a callable beside its times.

    When a call came back and when its result was ready, in ns from its start; why it is called unready, "" where it is
    not; whether its times include the waiting; and how its result is beside that of the first callable.
    """

    returned_ns: Time
    ready_ns: Time
    late: str
    waited: bool
    remarks: tuple[str, ...] = ()
    same: str | None = None


class Fit(DocumentPart, frozen=True, kw_only=True):
    """t(n) = t0 + n · per_row, over launches: fixed cost and cost per row in ns; null where nothing bounds a number.

    `describes` is true where a line describes the data, and null with one launch.
    """

    t0_ns: Distance
    t0_interval_ns: tuple[Distance, Distance] | None
    per_row_ns: Distance
    per_row_interval_ns: tuple[Distance, Distance] | None
    half_batch: Distance | None
    describes: bool | None
    statement: str
    rate_per_s: Distance | None = None
    rate_interval_per_s: tuple[Distance | None, Distance | None] | None = None
    worst_residual: float | None = None
    worst_batch: Rows | None = None


class FitOf(DocumentPart, frozen=True, kw_only=True):
    """One implementation's fit, null where too few batches were measured."""

    fit: Fit | None


class Fits(DocumentPart, frozen=True, kw_only=True):
    """Fixed cost and rate of each implementation of one problem, pass, dtype and device."""

    problem: str
    pass_: str = msgspec.field(name="pass")
    dtype: str
    device: str
    implementations: dict[str, FitOf]


ColdStart = dict[str, tuple[Distance | None, ...] | str]
"""By phase the times in ns, and the memory under `peak_bytes`, one per process; or the reason, under `unavailable` or
`failed`."""


class Failure(DocumentPart, frozen=True, kw_only=True):
    """An implementation that should have run and did not; `stderr` has the worker's last lines."""

    implementation: str
    group: str
    reason: str
    kind: str = ""
    stderr: tuple[str, ...] = ()


class GateEntry(DocumentPart, frozen=True, kw_only=True):
    """`seconds`: the time of checking all cases against the contract, over all workers; `of_s`: the whole run's."""

    seconds: Seconds
    of_s: Seconds


class SkippedEntry(DocumentPart, frozen=True, kw_only=True):
    """An implementation that cannot run here, and what to install or change."""

    implementation: str
    reason: str


class Resumed(DocumentPart, frozen=True, kw_only=True):
    """The run that this one goes on with: how many launches of each group are from it."""

    file: str
    datetime: str
    groups: dict[str, Count]
    commit: str | None = None
    command: str | None = None
    launches: tuple[LaunchOfRun, ...] = ()
    interrupted: bool | None = None
    resumed: Resumed | None = None


class Samegrad(DocumentPart, frozen=True, kw_only=True):
    """The key `samegrad` of a run file."""

    format: Rows
    command: str
    options: OptionsEntry
    implementations: dict[str, ImplementationEntry]
    environment: Environment
    launches: tuple[LaunchOfRun, ...]
    noise: Noise
    groups: tuple[GroupEntry, ...]
    failures: tuple[Failure, ...]
    skipped: tuple[SkippedEntry, ...]
    fits: tuple[Fits, ...] = ()
    cold_start: dict[str, ColdStart] = {}
    answers: tuple[str, ...] = ()
    """What the run shows over widths and threads, a sentence each."""
    gate: GateEntry | None = None
    handicaps: tuple[Handicap, ...] = ()
    contenders: tuple[ContenderEntry, ...] = ()
    changes: tuple[ChangeEntry, ...] = ()
    own: dict[str, OwnEntry] = {}
    interrupted: bool = False
    interrupted_by: str | None = None
    resumed: Resumed | None = None


class Commit(DocumentPart, frozen=True, kw_only=True):
    """The commit that was measured, and whether files that it has were changed since."""

    id: str | None = None
    dirty: bool = False


class RunDocument(Document, frozen=True, kw_only=True):
    """A whole run file; of what is pytest-benchmark's own, as much as is read."""

    FORMAT: ClassVar[str] = "samegrad"
    FOLDER: ClassVar[Path] = Path("reports/runs")
    ORIGIN: ClassVar[str] = "run files are written by `pytest --benchmark-only`"

    format: str = FORMAT
    format_version: int = 1
    datetime: str
    commit_info: Commit
    benchmarks: tuple[Benchmark, ...]
    samegrad: Samegrad

    @property
    def has_rounds(self) -> bool:
        """Whether it has every round's sample; a file of the gallery has none."""
        return any(benchmark.stats.data for benchmark in self.benchmarks)

    @classmethod
    def version_in(cls, top: dict[str, msgspec.Raw]) -> object:
        try:
            ours = msgspec.json.decode(top["samegrad"], type=dict[str, msgspec.Raw])
        except (KeyError, msgspec.MsgspecError):
            return None
        return plain(ours.get("format"))
