"""The one style: a colour per framework and a line style per execution, derived from a run file.

The first six colours are those of Okabe and Ito (Color Universal Design, 2008), which remain distinct to colour-blind
readers; indigo and olive replace their black, which is the text's, and their yellow, too pale on white.
A framework nobody has heard of takes the next free colour; an execution, the next line style and marker. The usual
frameworks have usual seats, so that their colours do not change from run to run.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import cycle
from typing import Any

from samegrad.benchmarks.documents.run import ImplementationEntry

PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#332288", "#B8A800")
USUAL = ("numpy", "torch", "jax", "keras")
DASHES: tuple[tuple[float, ...], ...] = (
    (),
    (5, 2),
    (1.5, 1.5),
    (7, 2, 1.5, 2),
    (3, 1.5),
    (9, 3),
    (5, 1.5, 1.5, 1.5, 1.5, 1.5),
)
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "p")

INK, MUTED, FAINT, BACKGROUND = "#1F2328", "#59636E", "#DDE1E6", "#FFFFFF"
ALARM = "#B3261E"
WIDTH_IN = 8.8
"""Figures are 880 px wide at 100 px per inch, the width at which a README shows them."""


@dataclass(frozen=True)
class Look:
    """How one implementation is drawn: `dashes` in multiples of the line width, () for a solid line."""

    colour: str
    dashes: tuple[float, ...]
    marker: str

    @property
    def ink(self) -> str:
        """The colour, dark enough for text on the figures' background."""
        return readable(self.colour, BACKGROUND)


FLOOR = Look("#6E7781", (1, 1.2), "_")
"""A floor is drawn less prominently: grey, dotted, without a marker of its own."""


def looks(implementations: Mapping[str, ImplementationEntry]) -> dict[str, Look]:
    """One look per implementation, from its `framework` and `execution`."""
    choices = [entry for entry in implementations.values() if not entry.is_floor]
    colours = _seats((entry.framework for entry in choices), PALETTE, USUAL)
    executions = [entry.execution for entry in choices]
    dashes, markers = _seats(executions, DASHES), _seats(executions, MARKERS)
    return {
        name: FLOOR
        if entry.is_floor
        else Look(colours[entry.framework], dashes[entry.execution], markers[entry.execution])
        for name, entry in implementations.items()
    }


def _seats(names: Iterable[str], seats: tuple[Any, ...], usual: tuple[str, ...] = ()) -> dict[str, Any]:
    """The usual names in their usual seats; the others take the rest in turn, and then all again from the first."""
    taken = dict(zip(usual, seats, strict=False))
    free = cycle(seats[len(usual) :] + seats[: len(usual)])
    for name in names:
        if name not in taken:
            taken[name] = next(free)
    return taken


def readable(colour: str, background: str, least: float = 4.5) -> str:
    """The colour moved towards black or white until its contrast is that of WCAG 2.2 (1.4.3), 4.5 to 1 for text."""
    towards = 0.0 if luminance(background) > 0.18 else 1.0
    steps = (_mixed(colour, towards, step / 100) for step in range(101))
    return next((mixed for mixed in steps if contrast(mixed, background) >= least), _mixed(colour, towards, 1.0))


def _mixed(colour: str, towards: float, share: float) -> str:
    """Every channel moved that share of its way to black (0) or white (1)."""
    return "#" + "".join(f"{round(255 * (c + (towards - c) * share)):02X}" for c in channels(colour))


def contrast(one: str, other: str) -> float:
    """The contrast of two colours as WCAG 2.2 defines it, from 1 to 21."""
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def channels(colour: str) -> tuple[float, float, float]:
    """Red, green and blue of `#RRGGBB`, each from 0 to 1."""
    return tuple(int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))  # type: ignore[return-value]


def luminance(colour: str) -> float:
    """Relative luminance as WCAG 2.2 defines it."""
    linear = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels(colour))
    return sum(weight * c for weight, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


@contextmanager
def applied() -> Iterator[None]:
    """matplotlib under this style alone: neither the user's own settings nor a display matter.

    Texts are never read as mathematics, whatever a name contains.
    """
    with _without("MPLBACKEND"):
        import matplotlib

    settings: dict[str, Any] = {
        **{name: value for name, value in matplotlib.rcParamsDefault.items() if name not in OF_WINDOWS},
        "font.family": "DejaVu Sans",
        "font.size": 8.5,
        "text.color": INK,
        "text.parse_math": False,
        "axes.edgecolor": MUTED,
        "axes.labelcolor": MUTED,
        "axes.labelsize": 8.5,
        "axes.titlesize": 9.5,
        "axes.titleweight": "bold",
        "axes.titlelocation": "left",
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.axisbelow": True,
        "axes.grid": True,
        "grid.color": FAINT,
        "grid.linewidth": 0.7,
        "xtick.color": MUTED,
        "ytick.color": MUTED,
        "xtick.labelsize": 8,
        "ytick.labelsize": 8,
        "figure.facecolor": BACKGROUND,
        "axes.facecolor": BACKGROUND,
        "savefig.facecolor": BACKGROUND,
        "svg.hashsalt": "samegrad",
        "svg.fonttype": "path",
    }
    with matplotlib.rc_context(settings):
        yield


OF_WINDOWS = ("backend", "backend_fallback", "interactive", "toolbar", "timezone")
"""Settings that do not affect the figures, and of which matplotlib warns when they are set again."""


@contextmanager
def _without(variable: str) -> Iterator[None]:
    """The environment without the variable, for a while: for a value that matplotlib does not know its import fails."""
    value = os.environ.pop(variable, None)
    try:
        yield
    finally:
        if value is not None:
            os.environ[variable] = value
