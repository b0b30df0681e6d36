"""What a run file says of a group: every row beside the baseline, and what changed between two environments."""

from __future__ import annotations

import msgspec

from samegrad.benchmarks.results import units
from samegrad.impls.documents.base import DocumentPart, Ratio, Rows, Time


class IntervalEntry(DocumentPart, frozen=True, kw_only=True):
    """A ratio of times and its interval, null with one launch."""

    ratio: Ratio
    low: Ratio | None
    high: Ratio | None


class RowEntry(IntervalEntry, frozen=True, kw_only=True):
    """One implementation of a group beside the baseline; `failed` is the kind of failure that ended it.

    `notes` are the remarks that every table shows beside the verdict: "rows fixed", "under the floor?".
    """

    implementation: str
    median_ns: Time
    verdict: str | None
    failed: str | None = None
    notes: tuple[str, ...] = ()


class Dropped(DocumentPart, frozen=True, kw_only=True):
    """A round of which no time is kept: in whose block something happened, and what."""

    launch: Rows
    round: Rows
    in_: str = msgspec.field(name="in")
    reason: str


class GroupEntry(DocumentPart, frozen=True, kw_only=True):
    """All implementations of one problem, pass, batch, dtype and device, the fastest first. `calls`: per block."""

    group: str
    problem: str
    pass_: str = msgspec.field(name="pass")
    batch: Rows
    dtype: str
    device: str
    threads: Rows = 1
    networks: Rows | msgspec.UnsetType = msgspec.UNSET
    """The number of networks, where there are several."""
    baseline: str
    rounds: tuple[Rows, ...]
    calls: dict[str, Rows]
    rows: tuple[RowEntry, ...]
    sentence: str
    dropped: tuple[Dropped, ...] = ()


class ContenderEntry(DocumentPart, frozen=True, kw_only=True):
    """An environment that was compared: its interpreter, and the versions of all that is installed there.

    `commit` is that of the code, where it was taken from a repository.
    """

    name: str
    interpreter: str
    commit: str | None
    versions: dict[str, str]


class ChangeEntry(IntervalEntry, frozen=True, kw_only=True):
    """An implementation's time in the environment `after` over that in `before`, timed in the same rounds.

    `group` is the case; low, high and verdict are null with one launch. Each interval holds by itself.
    """

    group: str
    implementation: str
    before: str
    after: str
    before_ns: Time
    after_ns: Time
    verdict: str | None

    @property
    def name(self) -> str:
        """The implementation in its environment: `numpy@new`."""
        return f"{self.implementation}@{self.after}"

    @property
    def in_words(self) -> str:
        """The ratio and its interval as a text: `1.034× (1.012 to 1.056)`."""
        return units.ratio_with_interval(self.ratio, self.low, self.high, "×", units.DIGITS_OF_CHANGE)
