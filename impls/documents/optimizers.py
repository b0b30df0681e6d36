"""The documents of `samegrad optimizers`: every framework's optimizers beside the textbook's, and in training."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from samegrad.impls.documents.base import Count, Distance, Document, DocumentPart, Rows


class Reason(DocumentPart, frozen=True, kw_only=True):
    """A known departure from the textbook, and how far it leads alone."""

    reason: str
    alone: Distance


class OptimizerRow(DocumentPart, frozen=True, kw_only=True):
    """One optimizer of one framework, fed the textbook's gradients: how far it leads from the textbook.

    `shipped` is with its own defaults and `aligned` as the textbook's function, of which `allowed` is rounding;
    `unexplained` is what remains with all known departures put into the textbook.
    """

    implementation: str
    optimizer: str
    aligned: Distance
    allowed: Distance
    shipped: Distance
    unexplained: Distance
    reasons: tuple[Reason, ...]

    @property
    def is_aligned(self) -> bool:
        """Whether the aligned one differs from the textbook by rounding alone."""
        return self.aligned <= self.allowed


class OptimizerSettings(DocumentPart, frozen=True, kw_only=True):
    """What was asked."""

    names: tuple[str, ...]
    learning_rate: float
    steps: Rows
    seed: Count
    dtype: str


class Optimizers(Document, frozen=True, kw_only=True):
    """The same gradients fed to every framework's optimizers. `left_out` and `failed` map a name to the reason."""

    FORMAT: ClassVar[str] = "samegrad-optimizers"
    FOLDER: ClassVar[Path] = Path("reports/optimizers")
    ORIGIN: ClassVar[str] = "optimizer files are written by `samegrad optimizers`"

    settings: OptimizerSettings
    rows: tuple[OptimizerRow, ...]
    left_out: dict[str, str]
    failed: dict[str, str]

    @property
    def implementations(self) -> list[str]:
        """Every implementation, in the document's order."""
        return list(dict.fromkeys(row.implementation for row in self.rows))

    @property
    def names(self) -> list[str]:
        """Every optimizer, in the document's order."""
        return list(dict.fromkeys(row.optimizer for row in self.rows))

    @property
    def what(self) -> str:
        """What was done, in words: `100 steps on the same gradients, float64`."""
        return f"{self.settings.steps} steps on the same gradients, {self.settings.dtype}"

    @property
    def wrong(self) -> list[str]:
        """A line for each optimizer that is aligned in name only, and for each framework that failed."""
        return [f"{name} failed: {reason}" for name, reason in self.failed.items()] + [
            f"{row.optimizer} of {row.implementation} is {row.aligned:.1e} from the textbook; "
            f"at most {row.allowed:.1e} is rounding"
            for row in self.rows
            if not row.is_aligned
        ]


class ClosedLoopRow(DocumentPart, frozen=True, kw_only=True):
    """One framework's training: its distance from the textbook's, in units of what one rounding per step makes."""

    problem: str
    optimizer: str
    learning_rate: float
    epochs: Count
    comparable_until: Count
    implementation: str
    times_shadow: Distance


class ClosedLoopSettings(DocumentPart, frozen=True, kw_only=True):
    """What was asked. More than `allowed` times the shadows is no rounding."""

    names: tuple[str, ...]
    problems: tuple[str, ...]
    epochs: Rows
    seed: Count
    dtype: str
    allowed: float


class ClosedLoops(Document, frozen=True, kw_only=True):
    """Each problem's recipe trained with each optimizer. `left_out` and `failed` map a name to the reason."""

    FORMAT: ClassVar[str] = "samegrad-closed-loop"
    FOLDER: ClassVar[Path] = Path("reports/closed_loops")
    ORIGIN: ClassVar[str] = "closed-loop files are written by `samegrad optimizers --closed-loop`"

    settings: ClosedLoopSettings
    rows: tuple[ClosedLoopRow, ...]
    left_out: dict[str, str]
    failed: dict[str, str]

    @property
    def implementations(self) -> list[str]:
        """Every implementation, in the document's order."""
        return list(dict.fromkeys(row.implementation for row in self.rows))

    def is_explained(self, row: ClosedLoopRow) -> bool:
        """Whether rounding explains the distance."""
        return row.times_shadow <= self.settings.allowed

    @property
    def wrong(self) -> list[str]:
        """A line for each training that rounding does not explain, and for each framework that failed."""
        return [f"{name} failed: {reason}" for name, reason in self.failed.items()] + [
            f"{row.problem} with {row.optimizer} of {row.implementation} is {row.times_shadow:.1f} times "
            f"as far from the textbook as one rounding per step leads; {self.settings.allowed:g} times is allowed"
            for row in self.rows
            if not self.is_explained(row)
        ]
