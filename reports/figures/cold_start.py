"""Cold start: what a new process pays before the steady state, phase by phase."""

from __future__ import annotations

from collections.abc import Mapping
from statistics import median
from typing import TYPE_CHECKING, Any

from samegrad.benchmarks.results import units
from samegrad.reports import style
from samegrad.reports.figures.frame import CHARACTER_IN, MOST, SHADES, beside, name_rows, sheet, short
from samegrad.reports.provenance import footer
from samegrad.reports.records import ColdStart, Run
from samegrad.reports.style import Look

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NAME = "cold-start"
TITLE = "Cold start: from a new process to the second gradient"
BAR_IN = 0.24


def rows(run: Run) -> list[dict[str, Any]]:
    """The figure's numbers: a row per process and phase."""
    return [
        {"implementation": cold.implementation, "phase": phase, "process": number, "time_ns": ns}
        for cold in run.cold
        for phase, times in cold.phases.items()
        for number, ns in enumerate(times, start=1)
    ]


def describe(run: Run) -> str:
    """The figure in words: every sum."""
    told = [f"{cold.implementation} {units.time(cold.total_ns, 2)}" for cold in run.cold if cold.phases]
    return f"{TITLE}, sums of the phases' medians: {', '.join(told)}."


def draw(run: Run, looks: Mapping[str, Look]) -> Figure | None:
    """One bar per implementation, its phases from dark to light; None where no cold start was measured."""
    started = [cold for cold in run.cold if cold.phases][:MOST]
    if not started:
        return None
    name_in = CHARACTER_IN * max(len(short(cold.implementation)) for cold in started) + 0.2
    phases = list(dict.fromkeys(phase for cold in started for phase in cold.phases))
    processes = max(len(times) for cold in started for times in cold.phases.values())
    subheading = f"{', '.join(phases)}, from dark to light: medians of {processes} processes each; and peak memory."
    page = sheet(footer(run), TITLE, subheading, 1, 1, BAR_IN * len(started) + 0.1, name_in, 1.9)
    (axes,) = page.panels
    longest = max(cold.total_ns for cold in started) / 1e9
    for place, cold in enumerate(started):
        look, left = looks[cold.implementation], 0.0
        for phase, shade in zip(cold.phases, SHADES, strict=False):
            seconds = median(cold.phases[phase]) / 1e9
            axes.barh(place, seconds, left=left, height=0.68, color=style.tint(look.colour, shade), linewidth=0)
            left += seconds
        beside(axes, left, place, _said(cold))
    name_rows(axes, {place: cold.implementation for place, cold in enumerate(started)}, looks)
    axes.set(xlim=(0, longest), ylim=(len(started) - 0.4, -0.6), xlabel="time (s)")
    axes.spines["bottom"].set_visible(False)
    return page.figure


def _said(cold: ColdStart) -> str:
    memory = f" · {cold.peak_bytes / 2**20:,.0f} MiB" if cold.peak_bytes > 0 else ""
    return f"{units.time(cold.total_ns, 2)}{memory}"
