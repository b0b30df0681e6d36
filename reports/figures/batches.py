"""Time per call against batch: one panel per problem and pass, one line per implementation, with its spread."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from samegrad.benchmarks.results import units
from samegrad.reports.figures.frame import CHARACTER_IN, GAP_IN, drawn, label_lines, panel_groups, sheet, short
from samegrad.reports.provenance import footer
from samegrad.reports.records import Case, Group, Run
from samegrad.reports.style import Look

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NAME = "time-per-call"
TITLE = "Time per call against batch"


def rows(groups: list[Group]) -> list[dict[str, Any]]:
    """The figure's numbers, one row per point."""
    return [
        {
            "problem": group.problem,
            "pass": group.pass_,
            "batch": group.batch,
            "dtype": group.dtype,
            "device": group.device,
            "implementation": case.implementation,
            "median_ns": case.median_ns,
            "p10_ns": case.spread_ns[0],
            "p90_ns": case.spread_ns[1],
            "device_memory_bytes": case.extra and case.extra.device_memory_bytes,
            "device_ns": case.extra and case.extra.device_ns,
        }
        for group in groups
        for case in group.cases
    ]


def describe(groups: list[Group]) -> str:
    """The figure in words: who is fastest and slowest at each panel's smallest and largest batch."""
    told = []
    for members in panel_groups(groups).values():
        ends = [members[0], members[-1]] if len(members) > 1 else members
        for group in ends:
            fastest, slowest = group.cases[0], group.cases[-1]
            told.append(
                f"{group.what} at batch {units.count(group.batch)}: from {fastest.implementation} "
                f"({units.time(fastest.median_ns)}) to {slowest.implementation} ({units.time(slowest.median_ns)})"
            )
    return f"{TITLE}, medians, logarithmic axes. {'; '.join(told)}."


def draw(run: Run, groups: list[Group], looks: Mapping[str, Look]) -> Figure:
    """Log-log lines of the medians in bands from the 10th to the 90th percentile, named at their right ends."""
    panels = panel_groups(groups)
    shown, left_out = drawn(groups)
    columns = min(2, len(panels))
    most = max(sum(name in shown for name in _lines(members)) for members in panels.values())
    label_in = CHARACTER_IN * max(len(short(name)) for name in shown) + 0.34
    subheading = "Median of all rounds, with the 10th to the 90th percentile as a band. Lower is faster." + left_out
    panel_in = max(1.75, most * GAP_IN)
    page = sheet(
        footer(run),
        f"{TITLE}: {groups[0].dtype}, {groups[0].device}",
        subheading,
        len(panels),
        columns,
        panel_in,
        0.68,
        label_in,
    )
    times = [
        limit for group in groups for case in group.cases if case.implementation in shown for limit in _reach(case)
    ]
    batches = sorted({group.batch for group in groups})
    for axes, members in zip(page.panels, panels.values(), strict=True):
        axes.set_title(members[0].what)
        axes.set(xscale="log", yscale="log", ylim=(min(times) / 1.4, max(times) * 1.4), xlim=_limits(batches))
        lines = {name: points for name, points in _lines(members).items() if name in shown}
        for name, points in lines.items():
            _line(axes, points, looks[name])
        _ticks(axes, batches)
        ends = {name: (points[-1][0], points[-1][1].median_ns) for name, points in lines.items()}
        label_lines(axes, ends, looks)
    for axes in page.panels[-columns:]:
        axes.set_xlabel("batch (rows per call)")
    for axes in page.panels[::columns]:
        axes.set_ylabel("time per call")
    return page.figure


Points = list[tuple[int, Case]]


def _lines(groups: list[Group]) -> dict[str, Points]:
    """For each implementation its (batch, case), in the order of the batches."""
    lines: dict[str, Points] = {}
    for group in groups:
        for case in group.cases:
            lines.setdefault(case.implementation, []).append((group.batch, case))
    return lines


def _reach(case: Case) -> tuple[float, float]:
    return min(case.median_ns, case.spread_ns[0]), max(case.median_ns, case.spread_ns[1])


def _limits(batches: list[int]) -> tuple[float, float]:
    """Limits with a margin on both sides; a single batch is in the middle of a decade."""
    air = (batches[-1] / batches[0]) ** 0.04 if len(batches) > 1 else 3.0
    return batches[0] / air, batches[-1] * air


def _line(axes: Axes, points: Points, look: Look) -> None:
    batches = [batch for batch, _ in points]
    low, high = zip(*(case.spread_ns for _, case in points), strict=True)
    axes.fill_between(batches, low, high, color=look.colour, alpha=0.2, linewidth=0)
    axes.vlines(batches, low, high, color=look.colour, linewidth=1, alpha=0.6)
    dashes = (0, look.dashes) if look.dashes else "-"
    medians = [case.median_ns for _, case in points]
    axes.plot(batches, medians, color=look.colour, linestyle=dashes, linewidth=1.5, marker=look.marker, markersize=3.6)


def _ticks(axes: Axes, batches: list[int]) -> None:
    """The measured batches below, as far apart as their numbers need; times with their units at the left."""
    from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullFormatter, NullLocator

    axes.xaxis.set_major_locator(FixedLocator(_apart(batches)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda batch, _: units.count(batch)))
    axes.xaxis.set_minor_locator(NullLocator())
    low, high = axes.get_ylim()
    axes.yaxis.set_major_locator(LogLocator(subs=(1.0,) if high / low > 30 else (1.0, 2.0, 5.0)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda ns, _: units.time(ns, 1)))
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.tick_params(which="minor", length=0)
    axes.tick_params(which="major", length=3)


def _apart(batches: list[int]) -> list[int]:
    """The first, the last, and those between that are a fifth of the axis apart, so that none collide."""
    least = 0.999 * (batches[-1] / batches[0]) ** (1 / 5)
    kept = batches[:1]
    for batch in batches[1:-1]:
        if batch / kept[-1] >= least and batches[-1] / batch >= least:
            kept.append(batch)
    return kept + batches[1:][-1:]
