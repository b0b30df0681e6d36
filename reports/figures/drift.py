"""Drift: the distance of each implementation's parameters from float64 as it trains, beside shadows that only round."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from samegrad.benchmarks.results import units
from samegrad.impls.documents.agreement import Agreement, DriftRow, ShadowRow
from samegrad.reports.figures.frame import CHARACTER_IN, MOST, label_lines, sheet, short
from samegrad.reports.style import MUTED, Look

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NAME = "drift"
TITLE = "Training together: distance from float64"
Lines = dict[str, list[DriftRow]]


def panels(agreement: Agreement) -> dict[tuple[str, str], tuple[Lines, list[ShadowRow]]]:
    """For each (problem, dtype) its lines, each by step, and its shadows."""
    found: dict[tuple[str, str], tuple[Lines, list[ShadowRow]]] = {}
    for distance in sorted(agreement.distances, key=lambda distance: distance.step):
        lines, _ = found.setdefault((distance.problem, distance.dtype), ({}, []))
        lines.setdefault(distance.implementation, []).append(distance)
    for shadow in sorted(agreement.shadows, key=lambda shadow: shadow.step):
        if (shadow.problem, shadow.dtype) in found:
            found[shadow.problem, shadow.dtype][1].append(shadow)
    return found


def rows(agreement: Agreement) -> list[dict[str, Any]]:
    """The figure's numbers, one row per point, the shadows among them."""
    measured = [
        {
            "problem": row.problem,
            "dtype": row.dtype,
            "step": row.step,
            "implementation": row.implementation,
            "distance": row.distance,
            "times_shadow": row.times_shadow,
        }
        for row in agreement.distances
    ]
    farthest = [
        {
            "problem": row.problem,
            "dtype": row.dtype,
            "step": row.step,
            "implementation": "farthest shadow",
            "distance": row.largest,
            "times_shadow": 1.0,
        }
        for row in agreement.shadows
    ]
    return measured + farthest


def describe(agreement: Agreement) -> str:
    """The figure in words: who is farthest at each panel's last step, and how far the shadows are."""
    told = []
    for (problem, dtype), (lines, shadows) in panels(agreement).items():
        ends = {name: line[-1] for name, line in lines.items()}
        name, end = max(ends.items(), key=lambda item: item[1].distance)
        beside = f", the farthest shadow {shadows[-1].largest:.1e}" if shadows else ""
        told.append(f"{problem} {dtype} after {end.step:,} steps: at most {end.distance:.1e} ({name}){beside}")
    return f"{TITLE}, logarithmic axes. {'; '.join(told)}."


def draw(agreement: Agreement, looks: Mapping[str, Look]) -> Figure | None:
    """Log-log lines over the shadows' band, a distance of 0 at the bottom edge; None without distances."""
    found = panels(agreement)
    if not found:
        return None
    columns = min(2, len(found))
    names = [name for lines, _ in found.values() for name in list(lines)[:MOST]]
    label_in = CHARACTER_IN * max(len(short(name)) for name in names) + 0.34
    most = max(min(MOST, len(lines)) for lines, _ in found.values())
    subheading = (
        "Farthest parameter after so many steps. Grey: the median to the farthest of shadows, which only round."
    )
    notes = [f"samegrad agree · {agreement.date[:16].replace('T', ' ')}"]
    page = sheet(notes, TITLE, subheading, len(found), columns, max(1.9, 0.145 * most), 0.72, label_in)
    for axes, ((problem, dtype), (all_lines, shadows)) in zip(page.panels, found.items(), strict=True):
        lines = dict(list(all_lines.items())[:MOST])
        axes.set_title(f"{problem} · {dtype}")
        positive = [row.distance for line in lines.values() for row in line if row.distance > 0]
        positive += [value for shadow in shadows for value in (shadow.median, shadow.largest) if value > 0]
        low, high = min(positive, default=1e-16), max(positive, default=1e-16)
        axes.set(xscale="log", yscale="log", ylim=(low / 4, high * 3))
        steps = [shadow.step for shadow in shadows]
        band = [max(shadow.median, low / 4) for shadow in shadows], [shadow.largest for shadow in shadows]
        axes.fill_between(steps, *band, color=MUTED, alpha=0.25, linewidth=0.8)
        ends = {}
        for name, line in lines.items():
            look, heights = looks[name], [max(row.distance, low / 4) for row in line]
            dashes = (0, look.dashes) if look.dashes else "-"
            marks: dict[str, Any] = {"marker": look.marker, "markersize": 3.6}
            axes.plot([row.step for row in line], heights, color=look.colour, linestyle=dashes, linewidth=1.5, **marks)
            ends[name] = (line[-1].step, heights[-1])
        label_lines(axes, ends, looks)
        _ticks(axes, sorted({row.step for line in lines.values() for row in line}))
    for axes in page.panels[-columns:]:
        axes.set_xlabel("steps of training")
    for axes in page.panels[::columns]:
        axes.set_ylabel("distance (no unit)")
    return page.figure


def _ticks(axes: Axes, steps: list[int]) -> None:
    """The steps that were compared below, powers of ten at the left."""
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullFormatter, NullLocator

    axes.xaxis.set_major_locator(FixedLocator(steps))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda step, _: units.count(step)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.0e}"))
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.tick_params(which="minor", length=0)
    axes.tick_params(which="major", length=3)
