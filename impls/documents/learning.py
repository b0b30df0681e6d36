"""The documents of `samegrad train`: one recipe in every framework, and which share of many starts converges."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

from samegrad.impls.documents.base import Count, Distance, Document, DocumentPart, Rows, Seconds, Share


class Optimizer(DocumentPart, frozen=True, kw_only=True):
    """The settings of an optimizer, with those that it does not use."""

    name: str
    learning_rate: float
    momentum: float
    rho: float
    beta_1: float
    beta_2: float
    epsilon: float


class RecipeEntry(DocumentPart, frozen=True, kw_only=True):
    """What was trained and how. `as_shipped`: by the frameworks' own optimizer conventions."""

    problem: str
    sizes: tuple[Rows, ...]
    activations: tuple[str, ...]
    biases: bool
    rows: Rows
    epochs: Rows
    batch: Rows
    seed: Count
    optimizer: Optimizer
    dtype: str
    shown_every: Rows = 1
    as_shipped: bool = False


class ReferenceEntry(DocumentPart, frozen=True, kw_only=True):
    """The textbook's training in extended precision: its mean squared error over all training rows at each mark."""

    losses: tuple[Distance, ...]


class Shadows(DocumentPart, frozen=True, kw_only=True):
    """How far rounding alone leads, at each mark. Beyond `comparable_until` it has left nothing to compare.

    A training is explained within `allowed` times these spreads.
    """

    count: Rows
    allowed: float
    comparable_until: Count
    loss_spread: tuple[Distance, ...]
    distance_spread: tuple[Distance, ...]
    prediction_spread: Distance = 0.0


class Curve(DocumentPart, frozen=True, kw_only=True):
    """One implementation's training at every mark: its loss, |loss − reference's loss|, and its farthest parameter.

    `parameters` (W1 row by row, b1, W2, …) and `predictions` are those at the end; `held_out` is of `stock` only.
    """

    implementation: str
    framework: str
    versions: dict[str, str]
    seconds: Seconds
    losses: tuple[Distance, ...]
    loss_difference: tuple[Distance, ...]
    distance: tuple[Distance, ...]
    parameters: tuple[float, ...]
    predictions: tuple[tuple[float, ...], ...]
    times_shadow: Distance
    explained: bool
    prediction_difference: Distance = 0.0
    held_out: dict[str, Any] | None = None


class Training(Document, frozen=True, kw_only=True):
    """One recipe's training by every implementation. `epochs` are the marks, at which all curves have a point.

    `facts` is what the recipe knows beside: the questions asked, line's least squares, stock's scales and baselines.
    `left_out` and `failed` map an implementation to the reason.
    """

    FORMAT: ClassVar[str] = "samegrad-training"
    FOLDER: ClassVar[Path] = Path("reports/trainings")
    ORIGIN: ClassVar[str] = "training files are written by `samegrad train`"

    date: str
    python: str
    machine: str
    recipe: RecipeEntry
    facts: dict[str, Any]
    epochs: tuple[Count, ...]
    reference: ReferenceEntry
    shadows: Shadows
    runs: tuple[Curve, ...]
    left_out: dict[str, str]
    failed: dict[str, str] = {}

    def __post_init__(self) -> None:
        shadows = self.shadows
        curves = [self.reference.losses, shadows.loss_spread, shadows.distance_spread]
        curves += [points for run in self.runs for points in (run.losses, run.loss_difference, run.distance)]
        if any(len(points) != len(self.epochs) for points in curves):
            raise ValueError(f"every curve needs {len(self.epochs)} points, one for each of `epochs`")

    @property
    def title(self) -> str:
        """The title of a training: `xor with sgd, float64`."""
        shipped = ", as shipped" if self.recipe.as_shipped else ""
        return f"{self.recipe.problem} with {self.recipe.optimizer.name}, {self.recipe.dtype}{shipped}"

    @property
    def verdict(self) -> str:
        """Whether rounding explains what is between the trainings, in one sentence."""
        astray = [curve.implementation for curve in self.runs if not curve.explained]
        last, until = self.shadows.comparable_until, ""
        if last < self.epochs[-1]:
            until = f" up to epoch {last:,}, where rounding is amplified beyond comparing"
        if astray:
            why = " by their own optimizer conventions" if self.recipe.as_shipped else ""
            return f"{self.title}: rounding does not explain how far {', '.join(astray)} went{why}{until}."
        names = [curve.implementation for curve in self.runs]
        same = f"{len(names)} frameworks follow one curve" if len(names) > 1 else f"{names[0]} follows the reference"
        return f"{self.title}: {same}{until}; what is between them is rounding."


class Seeds(DocumentPart, frozen=True, kw_only=True):
    """The seeds of the starts, from the first on."""

    first: Count
    count: Rows


class StartsRun(DocumentPart, frozen=True, kw_only=True):
    """One implementation's share of converging starts, and the epochs that they needed.

    `quantiles` are percentiles over the starts that converged, null if none did; `epochs_needed` is null for a start
    that did not.
    """

    implementation: str
    framework: str
    versions: dict[str, str]
    seconds: Seconds
    share: Share
    quantiles: dict[str, Distance] | None
    epochs_needed: tuple[Count | None, ...]


class Starts(Document, frozen=True, kw_only=True):
    """The same starts by every implementation. A start has converged when its error is below `threshold`.

    `different` are the seeds of the starts that converged in one implementation and not in another; `agree` says
    whether those needed nearly all epochs, so that a rounding decides.
    """

    FORMAT: ClassVar[str] = "samegrad-starts"
    FOLDER: ClassVar[Path] = Path("reports/starts")
    ORIGIN: ClassVar[str] = "files of starts are written by `samegrad train xor --seeds`"

    date: str
    python: str
    machine: str
    recipe: RecipeEntry
    seeds: Seeds
    threshold: float
    runs: tuple[StartsRun, ...]
    different: tuple[Count, ...]
    agree: bool
    left_out: dict[str, str]
    failed: dict[str, str] = {}

    @property
    def verdict(self) -> str:
        """Whether the same starts converge in all, in one sentence."""
        if not self.different:
            return "The same starts converge in all."
        seeds = ", ".join(map(str, self.different[:5])) + (" …" if len(self.different) > 5 else "")
        which = f"{len(self.different)} of {self.seeds.count:,} starts (seeds {seeds})"
        why = "they need nearly all epochs, where a rounding decides" if self.agree else "rounding does not explain it"
        return f"{which} converge in one framework and not in another; {why}."
