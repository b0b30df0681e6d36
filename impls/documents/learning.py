"""The documents of `samegrad train`: one recipe in every framework, and which share of many starts converges."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

from samegrad.impls.documents.base import Count, Distance, Document, Part, Rows, Seconds, Share


class Optimizer(Part, frozen=True, kw_only=True):
    """The settings of an optimizer; what it does not use stands there too."""

    name: str
    learning_rate: float
    momentum: float
    rho: float
    beta_1: float
    beta_2: float
    epsilon: float


class Recipe(Part, frozen=True, kw_only=True):
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


class Reference(Part, frozen=True, kw_only=True):
    """The textbook's training in extended precision: its mean squared error over all training rows at each mark."""

    losses: tuple[Distance, ...]


class Shadows(Part, frozen=True, kw_only=True):
    """How far rounding alone leads, at each mark. Beyond `comparable_until` it has left nothing to compare.

    A training is explained within `allowed` times these spreads.
    """

    count: Rows
    allowed: float
    comparable_until: Count
    loss_spread: tuple[Distance, ...]
    distance_spread: tuple[Distance, ...]
    prediction_spread: Distance = 0.0


class Curve(Part, frozen=True, kw_only=True):
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
    recipe: Recipe
    facts: dict[str, Any]
    epochs: tuple[Count, ...]
    reference: Reference
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
        """`xor with sgd, float64`."""
        shipped = ", as shipped" if self.recipe.as_shipped else ""
        return f"{self.recipe.problem} with {self.recipe.optimizer.name}, {self.recipe.dtype}{shipped}"


class Seeds(Part, frozen=True, kw_only=True):
    """The seeds of the starts, from the first on."""

    first: Count
    count: Rows


class StartsRun(Part, frozen=True, kw_only=True):
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
    recipe: Recipe
    seeds: Seeds
    threshold: float
    runs: tuple[StartsRun, ...]
    different: tuple[Count, ...]
    agree: bool
    left_out: dict[str, str]
    failed: dict[str, str] = {}
