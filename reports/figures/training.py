"""Training curves, and how far they are apart: the loss, and its difference from the reference beside the shadows'."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from samegrad.benchmarks.results import units
from samegrad.impls.documents.learning import Curve, Training
from samegrad.reports.figures.frame import CHARACTER_IN, MOST, label_lines, sheet, short
from samegrad.reports.style import MUTED, Look

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NAME = "training"
TITLE = "The same learning"
POINTS = 160
"""More marks than this are thinned: of differences, which jump to and fro, the largest of each stretch is drawn."""


def thinned(
    epochs: Sequence[float], values: Sequence[float], most: int, largest: bool
) -> tuple[list[float], list[float]]:
    """At most so many points: of each stretch of marks its first, or, of what jumps to and fro, its largest value."""
    step = max(1, -(-len(values) // most))
    starts = range(0, len(values), step)
    return [epochs[i] for i in starts], [max(values[i : i + step]) if largest else values[i] for i in starts]


def rows(training: Training) -> list[dict[str, Any]]:
    """The figure's numbers, one row per mark of each curve."""
    return [
        {
            "implementation": curve.implementation,
            "epoch": epoch,
            "loss": loss,
            "loss_difference": difference,
            "distance": distance,
        }
        for curve in training.runs
        for epoch, loss, difference, distance in zip(
            training.epochs, curve.losses, curve.loss_difference, curve.distance, strict=True
        )
    ]


def describe(training: Training) -> str:
    """The figure in words: every last loss, and how far the differences go in units of the shadows' spread."""
    ends = ", ".join(f"{curve.implementation} {curve.losses[-1]:.3g}" for curve in training.runs)
    most = units.significant(max(curve.times_shadow for curve in training.runs), 2)
    after = f"Loss after {units.count(training.epochs[-1])} epochs: {ends}"
    return f"{TITLE}: {training.title}. {after}; apart by at most {most} times the shadows' spread."


def draw(training: Training, looks: Mapping[str, Look]) -> Figure | None:
    """Losses at the left, their differences from the reference's at the right; None without curves."""
    curves = training.runs[:MOST]
    if not curves or not training.epochs:
        return None
    label_in = CHARACTER_IN * max(len(short(curve.implementation)) for curve in curves) + 0.34
    subheading = "Mean squared error, and its distance from the reference's. Grey: how far rounding alone leads."
    notes = [f"samegrad train · {training.date[:16].replace('T', ' ')} · {training.title}"]
    panel_in = max(2.2, 0.145 * len(curves))
    page = sheet(notes, f"{TITLE}: {training.title}", subheading, 2, 2, panel_in, 0.78, label_in)
    left, right = page.panels
    _panel(left, training.epochs, [(curve, curve.losses) for curve in curves], looks)
    left.set_title("loss")
    left.set_ylabel("mean squared error")
    right.set_title("difference from the reference's loss")
    differences = [(curve, curve.loss_difference) for curve in curves]
    _panel(right, training.epochs, differences, looks, training.shadows.loss_spread)
    for axes in page.panels:
        axes.set_xlabel("epoch")
    return page.figure


def _panel(
    axes: Axes,
    epochs: Sequence[float],
    lines: Sequence[tuple[Curve, Sequence[float]]],
    looks: Mapping[str, Look],
    spread: Sequence[float] = (),
) -> None:
    """Lines over epochs on a logarithmic axis, a value of 0 at the bottom edge."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator, NullFormatter

    known = [value for values in (*(values for _, values in lines), spread) for value in values if value > 0]
    low, high = min(known, default=1e-16), max(known, default=1.0)
    bottom = low / (4 if spread else 1.5)
    axes.set(yscale="log", ylim=(bottom, high * 1.6), xlim=(epochs[0], epochs[-1]))
    if spread:
        at, above = thinned(epochs, spread, POINTS, largest=True)
        axes.fill_between(at, bottom, [max(value, bottom) for value in above], color=MUTED, alpha=0.2, linewidth=0)
    ends = {}
    for curve, values in lines:
        look = looks[curve.implementation]
        at, heights = thinned(epochs, values, POINTS, largest=bool(spread))
        heights = [max(height, bottom) for height in heights]
        dashes = (0, look.dashes) if look.dashes else "-"
        axes.plot(at, heights, color=look.colour, linestyle=dashes, linewidth=1.2)
        if at:
            ends[curve.implementation] = (at[-1], heights[-1])
    label_lines(axes, ends, looks)
    axes.xaxis.set_major_locator(MaxNLocator(4, integer=True))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda epoch, _: units.count(epoch)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.0e}" if value < 1e-3 else f"{value:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.tick_params(which="minor", length=0)
