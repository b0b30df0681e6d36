"""Which share of many starts converges, and after how many epochs, in every framework."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from samegrad.benchmarks.results import units
from samegrad.impls.documents.learning import Starts, StartsRun
from samegrad.reports.figures.frame import CHARACTER_IN, MOST, beside, name_rows, sheet, short
from samegrad.reports.style import Look

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NAME = "starts"
TITLE = "Which share of starts converges, and after how many epochs"
ROW_IN = 0.26


def rows(starts: Starts) -> list[dict[str, Any]]:
    """The figure's numbers, one row per framework and percentile."""
    return [
        {
            "implementation": share.implementation,
            "starts": starts.seeds.count,
            "converged": share.share,
            "percentile": percentile,
            "epochs": epochs,
        }
        for share in starts.runs
        for percentile, epochs in (share.quantiles or {}).items()
    ]


def span(share: StartsRun) -> tuple[float, float, float]:
    """The middle, the lowest and the highest of the percentiles of the epochs needed; NaN where there are none."""
    if not share.quantiles:
        return math.nan, math.nan, math.nan
    known = sorted(share.quantiles.values())
    return share.quantiles.get("50", known[len(known) // 2]), known[0], known[-1]


def percentiles(starts: Starts) -> str:
    """`5th to 95th percentile`."""
    keys = list(dict.fromkeys(key for share in starts.runs for key in share.quantiles or ()))
    return f"{keys[0]}th to {keys[-1]}th percentile" if keys else "without percentiles"


def said(share: StartsRun) -> str:
    """`99.5 % · 6,446 epochs`."""
    converged = f"{100 * share.share:.4g} %"
    middle = span(share)[0]
    return converged + (f" · {units.count(middle)} epochs" if math.isfinite(middle) else "")


def draw(starts: Starts, looks: Mapping[str, Look]) -> Figure | None:
    """A line from the lowest to the highest percentile of the epochs, its median as a point; None without any."""
    from matplotlib.ticker import FuncFormatter

    shares = [share for share in starts.runs if math.isfinite(span(share)[0])][:MOST]
    if not shares:
        return None
    name_in = CHARACTER_IN * max(len(short(share.implementation)) for share in shares) + 0.2
    subheading = (
        f"{starts.seeds.count:,} starts; converged: an error below {starts.threshold:g}. Median of the epochs needed, "
        f"{percentiles(starts)}."
    )
    notes = [f"samegrad train · {starts.date[:16].replace('T', ' ')}"]
    page = sheet(notes, TITLE, subheading, 1, 1, ROW_IN * len(shares), name_in, 1.6, every_axis=True)
    (axes,) = page.panels
    colours = [looks[share.implementation].colour for share in shares]
    middles, lows, highs = zip(*(span(share) for share in shares), strict=True)
    axes.hlines(range(len(shares)), lows, highs, color=colours, linewidth=2, alpha=0.5)
    axes.scatter(middles, range(len(shares)), s=30, c=colours, zorder=2)
    for place, (share, high) in enumerate(zip(shares, highs, strict=True)):
        beside(axes, high, place, said(share), 6)
    name_rows(axes, {place: share.implementation for place, share in enumerate(shares)}, looks)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda epochs, _: units.count(epochs)))
    axes.set(ylim=(len(shares) - 0.4, -0.6), xlabel="epochs until the error is below the threshold")
    return page.figure
