"""Two panels for each series of groups that differ in one number, as a width: times, and ratios."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from samegrad.reports.figures.frame import CHARACTER_IN, GAP_IN, sheet, short
from samegrad.reports.records import CaseTimes, GroupTimes
from samegrad.reports.style import Look

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Lines = Mapping[str, list[tuple[int, CaseTimes]]]
"""The (number, case) pairs of each implementation."""
Panel = Callable[[Any, Any, Lines, Mapping[str, Look]], None]
"""A function that draws one series, of whatever type, in axes."""


def draw(
    texts: tuple[list[str], str, str],
    all_series: Sequence[Any],
    shown: set[str],
    looks: Mapping[str, Look],
    xlabel: str,
    panels: tuple[Panel, Panel],
) -> Figure:
    """A row for each series, by the two panels. `texts` are the notes, the heading and the subheading."""
    label_in = CHARACTER_IN * max(len(short(name)) for name in shown) + 0.34
    page = sheet(*texts, 2 * len(all_series), 2, max(2.0, len(shown) * GAP_IN), 0.68, label_in)
    for number, one in enumerate(all_series):
        lines = _lines(one.groups, shown)
        for panel, axes in zip(panels, page.panels[2 * number : 2 * number + 2], strict=True):
            panel(axes, one, lines, looks)
    for axes in page.panels[-2:]:
        axes.set_xlabel(xlabel)
    return page.figure


def _lines(groups: Mapping[int, GroupTimes], shown: set[str]) -> Lines:
    lines: dict[str, list[tuple[int, CaseTimes]]] = {}
    for number, group in groups.items():
        for case in group.cases:
            if case.implementation in shown:
                lines.setdefault(case.implementation, []).append((number, case))
    return lines
