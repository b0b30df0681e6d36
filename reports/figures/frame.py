"""The frame of all figures: a heading, a grid of panels laid out in inches, a footer, and the two file formats."""

from __future__ import annotations

import io
import math
import textwrap
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from samegrad.benchmarks.results.passes import plain_first
from samegrad.reports import labels, style
from samegrad.reports.records import GroupTimes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

HEADING_IN, PANEL_TITLE_IN, TICKS_IN, AXIS_LABEL_IN, LINE_IN = 0.58, 0.28, 0.28, 0.17, 0.155
CHARACTER_IN = 0.073
"""The width that one character of a label takes on average, at the labels' 8.5 points."""
GAP_IN = 0.145
"""The least distance of two labels in inches."""
NOTE = 165
"""The most characters in a line of the footer, which is in 7 points."""
MOST = 24
"""The most implementations in a figure: the fastest ones. The figure states how many are in the table alone."""


@dataclass(frozen=True)
class Sheet:
    """A figure and its panels, in reading order."""

    figure: Figure
    panels: list[Axes]


def sheet(
    notes: list[str],
    heading: str,
    subheading: str,
    count: int,
    columns: int,
    panel_in: float,
    left_in: float,
    right_in: float,
    every_axis: bool = False,
) -> Sheet:
    """A figure of `count` panels, each `panel_in` high, with room for labels to its left and right (all in inches).

    `notes` are the lines of its footer. Only the lowest panels have room for the name of their horizontal axis, unless
    `every_axis` has one of its own.
    """
    from matplotlib.figure import Figure

    rows = math.ceil(count / columns)
    below = [
        (line, note.startswith("NOISY")) for note in notes for line in textwrap.wrap(note, NOTE, break_on_hyphens=False)
    ]
    row_in = PANEL_TITLE_IN + panel_in + TICKS_IN + AXIS_LABEL_IN * every_axis
    height = HEADING_IN + rows * row_in + AXIS_LABEL_IN * (not every_axis) + 0.14 + len(below) * LINE_IN + 0.06
    width = style.WIDTH_IN / columns
    figure = Figure(figsize=(style.WIDTH_IN, height))
    panels = []
    for index in range(count):
        row, column = divmod(index, columns)
        bottom = height - HEADING_IN - row * row_in - PANEL_TITLE_IN - panel_in
        box = ((column * width + left_in), bottom, width - left_in - right_in, panel_in)
        panels.append(figure.add_axes(_fraction(box, style.WIDTH_IN, height)))
    figure.text(0.1 / style.WIDTH_IN, 1 - 0.1 / height, heading, size=12.5, weight="bold", va="top")
    figure.text(0.1 / style.WIDTH_IN, 1 - 0.34 / height, subheading, size=8.5, color=style.MUTED, va="top")
    for index, (note, is_alarm) in enumerate(reversed(below)):
        colour = style.ALARM if is_alarm else style.MUTED
        figure.text(0.1 / style.WIDTH_IN, (0.07 + index * LINE_IN) / height, note, size=7, color=colour, va="bottom")
    return Sheet(figure, panels)


def _fraction(box: tuple[float, float, float, float], width: float, height: float) -> tuple[float, float, float, float]:
    return box[0] / width, box[1] / height, box[2] / width, box[3] / height


def label_lines(axes: Axes, ends: Mapping[str, tuple[float, float]], looks: Mapping[str, style.Look]) -> None:
    """Write each name beside its line's last point (x, y), as near as the others allow, and join them by a thin line.

    Both axes are logarithmic and their limits are set.
    """
    low, high = (math.log(limit) for limit in axes.get_ylim())
    heights = [(math.log(y) - low) / (high - low) for _, y in ends.values()]
    gap = GAP_IN * axes.figure.dpi / axes.bbox.height
    placed = labels.spread(heights, gap, gap / 2, 1 - gap / 2)
    for (name, end), height in zip(ends.items(), placed, strict=True):
        look = looks[name]
        axes.annotate(
            short(name),
            xy=end,
            xytext=(1.06, height),
            textcoords="axes fraction",
            color=look.ink,
            va="center",
            annotation_clip=False,
            arrowprops=dict(arrowstyle="-", color=look.colour, linewidth=0.6, relpos=(0, 0.5), shrinkA=1, shrinkB=3),
        )


def beside(axes: Axes, x: float, y: float, text: str, points: float = 4, **look: Any) -> None:
    """A small text that many points to the right of (x, y), wherever the panel ends."""
    behind = {"facecolor": style.BACKGROUND, "edgecolor": "none", "pad": 0.8, "alpha": 0.85}
    defaults: dict[str, Any] = {"color": style.MUTED, "size": 8, "va": "center_baseline", "bbox": behind}
    axes.annotate(
        text, (x, y), xytext=(points, 0), textcoords="offset points", annotation_clip=False, **(defaults | look)
    )


def name_rows(axes: Axes, names: Mapping[float, tuple[str, style.Look]], most_characters: int = 26) -> None:
    """Rows named at their left, in their colours, without lines across."""
    axes.set_yticks([])
    for place, (name, look) in names.items():
        axes.annotate(
            short(name, most_characters),
            (0, place),
            xycoords=axes.get_yaxis_transform(),
            xytext=(-3.5, 0),
            textcoords="offset points",
            ha="right",
            va="center_baseline",
            color=look.ink,
            size=8,
            annotation_clip=False,
        )


def encode(figure: Figure, stem: str, dpi: int = 150) -> dict[str, bytes]:
    """The figure as PNG (by default 1.5 pixels per CSS pixel) and SVG, in memory; the same run gives the same bytes."""
    files = {}
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")  # such a name is drawn as boxes
        for kind, metadata in (("png", {"Software": None}), ("svg", {"Date": None, "Creator": None})):
            buffer = io.BytesIO()
            figure.savefig(buffer, format=kind, dpi=dpi, metadata=metadata)
            files[f"{stem}.{kind}"] = buffer.getvalue()
    return files


def short(name: str, most: int = 26) -> str:
    """The name, or its beginning and end with an ellipsis between where it is too long to draw."""
    return name if len(name) <= most else f"{name[: most - 9]}…{name[-8:]}"


def panel_groups(groups: list[GroupTimes]) -> dict[tuple[str, str], list[GroupTimes]]:
    """Groups by (pass, problem), passes outermost, each in the order of the file; within one, by batch."""
    labels = plain_first(group.pass_ for group in groups)
    problems = list(dict.fromkeys(group.problem for group in groups))
    panels: dict[tuple[str, str], list[GroupTimes]] = {(pass_, problem): [] for pass_ in labels for problem in problems}
    for group in sorted(groups, key=lambda group: group.batch):
        panels[group.pass_, group.problem].append(group)
    return {key: members for key, members in panels.items() if members}


def drawn(groups: Sequence[GroupTimes]) -> tuple[set[str], str]:
    """The implementations that a figure of these groups shows, and a sentence about those it does not."""
    fastest: dict[str, float] = {}
    for group in groups:
        for case in group.cases:
            fastest[case.implementation] = min(case.median_ns, fastest.get(case.implementation, math.inf))
    names = sorted(fastest, key=fastest.__getitem__)
    left_out = len(names) - MOST
    return set(names[:MOST]), f" The fastest {MOST}; {left_out} more are in the table." if left_out > 0 else ""
