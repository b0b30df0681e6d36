"""The cost of a call, taken apart: where the microseconds of one gradient go while its arithmetic is nearly free."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from samegrad.benchmarks.documents.ladder import CallCost, Ladder
from samegrad.benchmarks.results import units
from samegrad.reports import style
from samegrad.reports.figures.frame import CHARACTER_IN, MOST, SHADES, beside, name_rows, sheet, short
from samegrad.reports.style import Look

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NAME = "cost-of-a-call"
TITLE = "The cost of a call, taken apart"
BAR_IN = 0.24


def rows(ladder: Ladder) -> list[dict[str, Any]]:
    """The figure's numbers: a row per process and part."""
    return [
        {"implementation": cost.implementation, "part": part, "process": number, "time_ns": ns}
        for cost in ladder.costs
        for part, times in cost.parts.items()
        for number, ns in enumerate(times, start=1)
    ]


def parts(ladder: Ladder) -> list[str]:
    """Every part that some implementation has, in the document's order."""
    return list(dict.fromkeys(part for cost in ladder.costs for part in cost.parts))


def share(cost: CallCost, part: str) -> float:
    """How much of the call the part is, from 0 to 1; a difference of two times that is below 0 takes no part."""
    lengths = {name: max(0.0, ns) for name, ns in cost.medians_ns.items()}
    return lengths.get(part, 0.0) / (sum(lengths.values()) or 1.0)


def describe(ladder: Ladder) -> str:
    """The figure in words: every sum."""
    told = ", ".join(f"{cost.implementation} {units.time(cost.total_ns)}" for cost in ladder.costs[:MOST])
    return f"{TITLE}: {', '.join(parts(ladder))}; sums of the parts' medians: {told}."


def draw(ladder: Ladder, looks: Mapping[str, Look]) -> Figure | None:
    """One bar per implementation, its parts from dark to light; None where no call was taken apart."""
    costs = ladder.costs[:MOST]
    if not costs:
        return None
    name_in = CHARACTER_IN * max(len(short(cost.implementation)) for cost in costs) + 0.2
    processes = max(len(times) for cost in costs for times in cost.parts.values())
    subheading = f"{', '.join(parts(ladder))}, from dark to light, as shares: medians of {processes} processes each."
    notes = [
        f"samegrad ladder · xor value_and_grad, batch 4, float32, one thread · {ladder.started[:16].replace('T', ' ')}"
    ]
    page = sheet(notes, TITLE, subheading, 1, 1, BAR_IN * len(costs) + 0.1, name_in, 1.0)
    (axes,) = page.panels
    left = [0.0] * len(costs)
    for part, shade in zip(parts(ladder), SHADES, strict=False):
        lengths = [100 * share(cost, part) for cost in costs]
        colours = [style.tint(looks[cost.implementation].colour, shade) for cost in costs]
        axes.barh(range(len(costs)), lengths, left=left, height=0.68, color=colours, linewidth=0)
        left = [start + more for start, more in zip(left, lengths, strict=True)]
    for place, cost in enumerate(costs):
        beside(axes, 100, place, units.time(cost.total_ns))
    name_rows(axes, {place: cost.implementation for place, cost in enumerate(costs)}, looks)
    axes.set(xlim=(0, 100), ylim=(len(costs) - 0.4, -0.6), xlabel="share of the call (%)")
    axes.spines["bottom"].set_visible(False)
    return page.figure
