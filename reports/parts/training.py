"""Training curves of one recipe in every framework, their differences, and the share of starts that converge."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from samegrad.benchmarks.results.units import count, minute, significant
from samegrad.impls.documents.learning import Curve, Starts, StartsRun, Training
from samegrad.reports import cells
from samegrad.reports.figures import curves, points
from samegrad.reports.figures.frame import MOST, sheet
from samegrad.reports.material import Material
from samegrad.reports.part import Block, Columns, Figure, Heading, ReportPart, Text, each, note, table
from samegrad.reports.style import Look

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

ID, TITLE = "training", "The same learning"
MOST_POINTS = 160
"""More marks than this are thinned: a pixel shows no more."""


def part(material: Material) -> ReportPart | None:
    """The curves, their differences and the shares of starts; None where nothing was trained."""
    training, starts, blocks = material.training, material.starts, list[Block]()
    if training is not None and training.runs and training.epochs:
        blocks += _training(training, material.looks)
    if starts is not None and starts.runs:
        blocks += _starts(starts, material.looks)
    return ReportPart(ID, TITLE, blocks) if blocks else None


def _training(training: Training, looks: Mapping[str, Look]) -> list[Block]:
    rows = [
        {
            **{"implementation": curve.implementation, "epoch": epoch},
            **{"loss": loss, "loss_difference": difference, "distance": distance},
        }
        for curve in training.runs
        for epoch, loss, difference, distance in zip(
            training.epochs, curve.losses, curve.loss_difference, curve.distance, strict=True
        )
    ]
    figure = Figure(
        "training",
        lambda: curves.draw(
            [f"samegrad train · {minute(training.date)} · {training.title}"],
            f"{TITLE}: {training.title}",
            "Mean squared error, and distances from the reference. Grey: how far rounding alone leads.",
            _panels(training),
            looks,
            x="epoch",
            y_format=lambda value: f"{value:.0e}" if value < 1e-3 else f"{value:g}",
            is_log=False,
        ),
        rows,
        _describe(training),
    )
    how = """All from the same weights on the same minibatches; the reference is a textbook training in extended
        precision, and the grey band what rounding alone becomes (shadows). Of differences the largest of each stretch
        of epochs is drawn; 0 is at the bottom edge."""
    columns: Columns = {
        "implementation": lambda curve: cells.name(curve.implementation, looks),
        "last loss": lambda curve: cells.small(curve.losses[-1], 2),
        "largest difference": lambda curve: cells.small(max(curve.loss_difference), 2),
        "farthest parameter": lambda curve: cells.small(max(curve.distance), 2),
        "times the shadows": lambda curve: cells.number(curve.times_shadow),
        "explained by rounding": lambda curve: cells.explained(curve.explained),
        "time": lambda curve: cells.time(curve.seconds * 1e9),
    }
    shown = table("training-table", "At the end, and at the farthest", training.runs, columns, "Numbers: training")
    return [Text(training.verdict), figure, note(how), shown]


def _describe(training: Training) -> str:
    """The figure in words: every last loss, and how far the differences go in units of the shadows' spread."""
    ends = ", ".join(f"{curve.implementation} {curve.losses[-1]:.3g}" for curve in training.runs)
    most = significant(max(curve.times_shadow for curve in training.runs), 2)
    after = f"Loss after {count(training.epochs[-1])} epochs: {ends}"
    return f"{training.title}. {after}; apart by at most {most} times the shadows' spread."


def _panels(training: Training) -> list[curves.CurvePanel]:
    """The loss, and how far the loss and the farthest parameter are from the reference's."""
    shadows, runs = training.shadows, training.runs[:MOST]

    def panel(title: str, y: str, of: str, spread: Sequence[float] = ()) -> curves.CurvePanel:
        def line(curve: Curve) -> list[curves.Point]:
            kept = thinned(training.epochs, getattr(curve, of), MOST_POINTS, is_largest=bool(spread))
            return [(epoch, value, value, value) for epoch, value in zip(*kept, strict=True)]

        band = zip(*thinned(training.epochs, spread, MOST_POINTS, is_largest=True), strict=True)
        lines = {curve.implementation: line(curve) for curve in runs}
        return curves.CurvePanel(title, y, lines, [(epoch, 0.0, value) for epoch, value in band])

    return [
        panel("loss", "mean squared error", "losses"),
        panel("difference from the reference's loss", "difference", "loss_difference", shadows.loss_spread),
        panel("farthest parameter from the reference's", "distance", "distance", shadows.distance_spread),
    ]


def thinned(
    epochs: Sequence[float], values: Sequence[float], most: int, is_largest: bool
) -> tuple[list[float], list[float]]:
    """A curve of at most this many points: the first of each stretch of marks, or the largest where values jump."""
    step = max(1, -(-len(values) // most))
    starts = range(0, len(values), step)
    return [epochs[i] for i in starts], [max(values[i : i + step]) if is_largest else values[i] for i in starts]


def _starts(starts: Starts, looks: Mapping[str, Look]) -> list[Block]:
    percentiles = list(dict.fromkeys(key for run in starts.runs for key in run.quantiles or ()))
    between = f"{percentiles[0]}th to {percentiles[-1]}th percentile" if percentiles else "without percentiles"
    notes = [f"samegrad train · {minute(starts.date)}"]
    converged = f"{starts.seeds.count:,} starts; converged: an error below {starts.threshold:g}"
    columns: Columns = {
        "implementation": lambda run: cells.name(run.implementation, looks),
        "converged": lambda run: cells.cell(f"{100 * run.share:.3g} %", run.share),
        **each({f"{p} %": p for p in percentiles}, lambda p, run: cells.count((run.quantiles or {}).get(p, math.nan))),
    }
    quantiles = [
        {
            **{"implementation": run.implementation, "starts": starts.seeds.count, "converged": run.share},
            **{"percentile": percentile, "epochs": epochs},
        }
        for run in starts.runs
        for percentile, epochs in (run.quantiles or {}).items()
    ]
    epochs_needed = [
        {"implementation": run.implementation, "seed": starts.seeds.first + number, "epochs_needed": epochs}
        for run in starts.runs
        for number, epochs in enumerate(run.epochs_needed)
    ]
    marks = [mark for run in starts.runs[:MOST] if math.isfinite((mark := _mark(run, looks)).value)]
    words = f"Epochs until convergence: {'; '.join(f'{mark.name} {mark.text}' for mark in marks)}."
    blocks: list[Block] = [Heading("Which share of starts converges"), Text(starts.verdict)]
    if marks:
        title = "Which share of starts converges, and after how many epochs"
        panel = points.PointPanel("", marks, "epochs until the error is below the threshold")
        subheading = f"{converged}. Median of the epochs needed, {between}."
        blocks += [
            note(f"The share that converged, and the median of the epochs needed ({between})."),
            Figure(
                "starts", lambda: points.draw(notes, title, subheading, [panel], count, is_log=False), quantiles, words
            ),
            Figure("converged", lambda: _converged(starts, notes, converged, looks), epochs_needed, words),
        ]
    return [*blocks, table("starts-table", f"{converged}; epochs by percentile", starts.runs, columns)]


def _mark(run: StartsRun, looks: Mapping[str, Look]) -> points.Mark:
    """The median of the epochs needed between the lowest and the highest percentile: `99.5 % · 6,446 epochs`."""
    known = sorted((run.quantiles or {}).values()) or [math.nan]
    middle = (run.quantiles or {}).get("50", known[len(known) // 2])
    text = f"{100 * run.share:.4g} % · {count(middle)} epochs" if math.isfinite(middle) else ""
    return points.Mark(run.implementation, looks[run.implementation], middle, known[0], known[-1], text)


BINS = 100


def _converged(starts: Starts, notes: list[str], converged: str, looks: Mapping[str, Look]) -> Drawing:
    """The share that has converged by each epoch as steps, and below a histogram of the epochs needed."""
    from matplotlib.ticker import FuncFormatter

    seeds, epochs = starts.seeds.count, starts.recipe.epochs
    subheading = f"{converged}. Below: starts by the epochs needed."
    page = sheet(notes, "The share of starts that has converged by each epoch", subheading, 2, 1, 2.2, 0.78, 0.3)
    above, below = page.panels
    widths = [5.0, 3.5, 2.0, 1.0]  # curves that coincide all stay visible
    for number, run in enumerate(starts.runs[:MOST]):
        needed = sorted(n for n in run.epochs_needed if n is not None)
        style: dict[str, Any] = {"color": looks[run.implementation].colour, "linewidth": widths[number % len(widths)]}
        shares = [100 * (i + 1) / seeds for i in range(len(needed))]
        label = f"{run.implementation}: {run.share:.2%}"
        above.step([0, *needed, epochs], [0, *shares, shares[-1] if shares else 0], where="post", label=label, **style)
        below.hist(needed, bins=BINS, range=(0, epochs), histtype="step", **style)
    above.set(ylabel="% of starts", ylim=(0, 100), xlim=(0, epochs))
    above.legend(loc="upper left", frameon=False)
    below.set(xlabel="epochs needed", ylabel=f"per {count(epochs / BINS)} epochs", xlim=(0, epochs))
    below.xaxis.set_major_formatter(FuncFormatter(lambda epoch, _: count(epoch)))
    return page.figure
