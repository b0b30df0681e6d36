"""A run file: pytest-benchmark's JSON with this suite's `extra_info` for each benchmark, and one key `samegrad`.

The key `samegrad` is not one that `pytest-benchmark compare` reads, and nothing that changes from run to run goes into
`machine_info`, which it compares as a whole.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Annotated, Any, ClassVar

import msgspec

from samegrad.benchmarks.documents.doctor import Handicap
from samegrad.impls.documents.base import Count, Distance, Document, Part, Ratio, Rows, Seconds, Time, plain

Sample = Annotated[float, msgspec.Meta(gt=0, le=1e9)]
"""A time in seconds, as pytest-benchmark has it."""


class Quantiles(Part, frozen=True, kw_only=True):
    """The median and the 10th and 90th percentile of times in ns."""

    median_ns: Time
    p10_ns: Time
    p90_ns: Time


class Launch(Part, frozen=True, kw_only=True):
    """One launch of one implementation in one group. `log_ratio` is to the baseline, null where that was gone."""

    launch: Rows
    median_ns: Time
    p10_ns: Time
    p90_ns: Time
    rounds: Rows
    log_ratio: float | None


class ExtraInfo(Part, frozen=True, kw_only=True, omit_defaults=True):
    """What this suite says of one benchmark: an implementation's times in one case, or a phase of its cold start.

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
    threads_asked: Rows | None = None
    threads_found: dict[str, Count | None] = {}
    affinity: tuple[Count, ...] | None = None
    seed: Count | None = None
    prepare_ns: Count | None = None
    first_call_ns: Count | None = None
    gate_ns: Count | None = None
    device_memory_bytes: Count | None = None
    device_ns: Time | None = None
    tau: Distance | None = None
    agreement: dict[str, Distance] = {}
    launches: tuple[Launch, ...] = ()
    baseline: str = ""

    def __post_init__(self) -> None:
        if self.cold_start is not None:
            return
        names = ("problem", "pass_", "dtype", "device", "baseline", "launches", "framework", "execution")
        if missing := [name.rstrip("_") for name in names if not getattr(self, name)]:
            raise ValueError(f"lacks {', '.join(missing)}")


class Stats(Part, frozen=True, kw_only=True):
    """All samples in order, launch by launch, in seconds per call."""

    data: tuple[Sample, ...] = ()


class Benchmark(Part, frozen=True, kw_only=True):
    """One of pytest-benchmark's benchmarks."""

    extra_info: ExtraInfo
    stats: Stats
    group: str | None = None

    def __post_init__(self) -> None:
        rounds = sum(launch.rounds for launch in self.extra_info.launches)
        if self.extra_info.cold_start is None and (rounds != len(self.stats.data) or not self.group):
            raise ValueError(f"its launches have {rounds} rounds, but its stats {len(self.stats.data)} samples")


class Options(Part, frozen=True, kw_only=True):
    """What was asked of the run."""

    batches: tuple[Rows, ...]
    dtypes: tuple[str, ...]
    threads: Rows
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
    parameters: str = "from the seed"
    parameters_sha256: str | None = None


def parameters_told(parameters: list[list[Any]] | None) -> dict[str, str | None]:
    """Where the initial parameters come from, and of a file's which they are."""
    if parameters is None:
        return {"parameters": "from the seed", "parameters_sha256": None}
    digest = hashlib.sha256(json.dumps(parameters).encode()).hexdigest()
    return {"parameters": "from a file", "parameters_sha256": digest}


class Implementation(Part, frozen=True, kw_only=True, omit_defaults=True):
    """Where the times of a name come from. `threads` are those of its worker's pools."""

    framework: str
    execution: str
    is_floor: bool | None = None
    version: str = ""
    threads: dict[str, Count | None] | None = None
    import_s: Seconds | None = None


class Container(Part, frozen=True, kw_only=True):
    """The limits that control groups put on the process."""

    cgroup: Count | None
    cpus: float | None
    memory_bytes: Count | None


class Environment(Part, frozen=True, kw_only=True):
    """What times depend on besides the code; null is what the machine does not show."""

    cpu: str | None = None
    cores: Count | None = None
    affinity: tuple[Count, ...] | None = None
    governor: str | None = None
    turbo: bool | None = None
    load: tuple[Distance, ...] | None = None
    memory_bytes: Count | None = None
    container: Container | None = None
    variables: dict[str, str] = {}
    python: str = ""
    platform: str = ""
    versions: dict[str, str | None] = {}
    pinned_to: tuple[Count, ...] | None = None

    @property
    def machine(self) -> str:
        """The CPU's name, or what is known instead of it."""
        return self.cpu or self.platform or "unknown machine"


class LaunchOfRun(Part, frozen=True, kw_only=True, omit_defaults=True):
    """When a launch began, and its yardstick: a fixed piece of NumPy work, timed in every round."""

    launch: Rows
    started: str
    yardstick: Quantiles | None = None


class IntervalEntry(Part, frozen=True, kw_only=True):
    """A ratio of times and its interval, null with one launch."""

    ratio: Ratio
    low: Ratio | None
    high: Ratio | None


class Noise(Part, frozen=True, kw_only=True):
    """Whether the machine was steady, and why not; by group the duplicate's time over the baseline's."""

    noisy: bool
    reasons: tuple[str, ...]
    yardstick_spread: Ratio | None
    sentinel: dict[str, IntervalEntry] = {}


class Row(Part, frozen=True, kw_only=True):
    """One implementation of a group beside the baseline; `failed` is the kind of failure that ended it.

    `notes` say what stands in every table beside the verdict: "rows fixed", "under the floor?".
    """

    implementation: str
    median_ns: Time
    ratio: Ratio
    low: Ratio | None
    high: Ratio | None
    verdict: str | None
    failed: str | None = None
    notes: tuple[str, ...] = ()


class Dropped(Part, frozen=True, kw_only=True):
    """A round of which no time is kept: in whose block something happened, and what."""

    launch: Rows
    round: Rows
    in_: str = msgspec.field(name="in")
    reason: str


class Group(Part, frozen=True, kw_only=True):
    """All implementations of one problem, pass, batch, dtype and device, the fastest first. `calls`: per block."""

    group: str
    problem: str
    pass_: str = msgspec.field(name="pass")
    batch: Rows
    dtype: str
    device: str
    baseline: str
    rounds: tuple[Rows, ...]
    calls: dict[str, Rows]
    rows: tuple[Row, ...]
    sentence: str
    dropped: tuple[Dropped, ...] = ()


class Fit(Part, frozen=True, kw_only=True):
    """t(n) = t0 + n · per_row, over launches: fixed cost and cost per row in ns; null where nothing bounds a number.

    `describes` says whether a line describes the data, null where one launch cannot tell.
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


class FitOf(Part, frozen=True, kw_only=True):
    """One implementation's fit, null where too few batches were measured."""

    fit: Fit | None


class Fits(Part, frozen=True, kw_only=True):
    """Fixed cost and rate of each implementation of one problem, pass, dtype and device."""

    problem: str
    pass_: str = msgspec.field(name="pass")
    dtype: str
    device: str
    implementations: dict[str, FitOf]


ColdStart = dict[str, tuple[Distance | None, ...] | str]
"""By phase its times in ns and under `peak_bytes` the memory, one per process; or `unavailable` or `failed`: why."""


class Failure(Part, frozen=True, kw_only=True):
    """What should have run and did not; `stderr` has the worker's last lines."""

    implementation: str
    group: str
    reason: str
    kind: str = ""
    stderr: tuple[str, ...] = ()


class Gate(Part, frozen=True, kw_only=True):
    """What it cost to hold every case to the contract before and after its rounds, of the run's time on the wall."""

    seconds: Seconds
    of_s: Seconds


class Skipped(Part, frozen=True, kw_only=True):
    """What cannot run here, and what to install or change."""

    implementation: str
    reason: str


class Resumed(Part, frozen=True, kw_only=True):
    """The run that this one goes on with: how many launches of each group are from it."""

    file: str
    datetime: str
    groups: dict[str, Count]
    commit: str | None = None
    command: str | None = None
    launches: tuple[LaunchOfRun, ...] = ()
    interrupted: bool | None = None
    resumed: Resumed | None = None


class Samegrad(Part, frozen=True, kw_only=True):
    """The key `samegrad` of a run file."""

    format: Rows
    command: str
    options: Options
    implementations: dict[str, Implementation]
    environment: Environment
    launches: tuple[LaunchOfRun, ...]
    noise: Noise
    groups: tuple[Group, ...]
    failures: tuple[Failure, ...]
    skipped: tuple[Skipped, ...]
    fits: tuple[Fits, ...] = ()
    cold_start: dict[str, ColdStart] = {}
    gate: Gate | None = None
    handicaps: tuple[Handicap, ...] = ()
    interrupted: bool = False
    interrupted_by: str | None = None
    resumed: Resumed | None = None


class Commit(Part, frozen=True, kw_only=True):
    """The commit that was measured."""

    id: str | None = None


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

    @classmethod
    def version_in(cls, top: dict[str, msgspec.Raw]) -> object:
        try:
            ours = msgspec.json.decode(top["samegrad"], type=dict[str, msgspec.Raw])
        except (KeyError, msgspec.MsgspecError):
            return None
        return plain(ours.get("format"))
