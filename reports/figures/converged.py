"""How the share of converged starts grows with the epochs, and how the epochs needed are distributed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from samegrad.benchmarks.results import units
from samegrad.impls.documents.learning import Starts
from samegrad.reports.figures.frame import MOST, sheet
from samegrad.reports.style import Look

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NAME = "converged"
TITLE = "The share of starts that has converged by each epoch"
BINS = 100


def rows(starts: Starts) -> list[dict[str, Any]]:
    """The figure's numbers, one row per start of each framework."""
    return [
        {"implementation": run.implementation, "seed": starts.seeds.first + number, "epochs_needed": epochs}
        for run in starts.runs
        for number, epochs in enumerate(run.epochs_needed)
    ]


def draw(starts: Starts, looks: Mapping[str, Look]) -> Figure | None:
    """Steps above, a histogram below; None where nothing converged."""
    from matplotlib.ticker import FuncFormatter

    found = [(run, sorted(n for n in run.epochs_needed if n is not None)) for run in starts.runs[:MOST]]
    if not any(needed for _, needed in found):
        return None
    count, epochs = starts.seeds.count, starts.recipe.epochs
    notes = [f"samegrad train · {starts.date[:16].replace('T', ' ')}"]
    subheading = (
        f"{count:,} starts; converged: an error below {starts.threshold:g}. Below: starts by the epochs needed."
    )
    page = sheet(notes, TITLE, subheading, 2, 1, 2.2, 0.78, 0.3)
    above, below = page.panels
    widths = [5.0, 3.5, 2.0, 1.0]  # curves that lie on one another all stay visible
    for number, (run, needed) in enumerate(found):
        style: dict[str, Any] = {"color": looks[run.implementation].colour, "linewidth": widths[number % len(widths)]}
        shares = [100 * (i + 1) / count for i in range(len(needed))]
        label = f"{run.implementation}: {run.share:.2%}"
        above.step([0, *needed, epochs], [0, *shares, shares[-1] if shares else 0], where="post", label=label, **style)
        below.hist(needed, bins=BINS, range=(0, epochs), histtype="step", **style)
    above.set(ylabel="% of starts", ylim=(0, 100), xlim=(0, epochs))
    above.legend(loc="upper left", frameon=False)
    below.set(xlabel="epochs needed", ylabel=f"per {units.count(epochs / BINS)} epochs", xlim=(0, epochs))
    below.xaxis.set_major_formatter(FuncFormatter(lambda epoch, _: units.count(epoch)))
    return page.figure
