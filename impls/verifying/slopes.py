"""Wrong slopes: f′(z) left out, taken at the wrong place, or that of another activation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from samegrad.impls.verifying.mutants import SLOPES, ones
from samegrad.impls.verifying.running import Running


class Slope(NamedTuple):
    """A row of the table: what is computed in the place of a slope, for each activation that it is wrong for."""

    name: str
    title: str
    sentence: str
    forms: Mapping[str, Callable[[Running, Running], Running]]


WRONG_SLOPES = (
    Slope(
        "none",
        "the slope {f}′(z) is missing in {where}",
        "By the chain rule the error has to pass back through the activation: its derivative {f}′(z) is left out.",
        {f: lambda z, a: ones(z) for f in ("sigmoid", "tanh", "relu", "softmax")},
    ),
    Slope(
        "of-z",
        "the slope is computed from z where it needs a, in {where}",
        "The short form of the slope is in terms of the activation's output a; you gave it the input z.",
        {"sigmoid": lambda z, a: SLOPES["sigmoid"](z, z), "tanh": lambda z, a: SLOPES["tanh"](z, z)},
    ),
    Slope(
        "of-a",
        "the slope is computed as {f}′(a) instead of {f}′(z), in {where}",
        "Your derivative function applies the activation itself, but it was given a, to which the activation has "
        "been applied already: it is applied twice.",
        {
            "sigmoid": lambda z, a: SLOPES["sigmoid"](a, a.sigmoid()),
            "tanh": lambda z, a: SLOPES["tanh"](a, a.tanh()),
        },
    ),
    Slope(
        "just-a",
        "the slope is taken as a alone, in {where}",
        "The slope of the activation is {slope}; only a is there.",
        {f: lambda z, a: a for f in ("sigmoid", "tanh", "relu")},
    ),
    Slope(
        "just-1-a",
        "the slope is taken as 1 − a, in {where}",
        "The slope of the activation is {slope}; only 1 − a is there.",
        {f: lambda z, a: 1 - a for f in ("sigmoid", "tanh")},
    ),
    Slope(
        "of-tanh",
        "the slope of tanh, 1 − a², is used in {where}, which is no tanh",
        "Each activation has its own slope; here it is {slope}.",
        dict.fromkeys(("sigmoid", "relu", "identity"), SLOPES["tanh"]),
    ),
    Slope(
        "of-sigmoid",
        "the slope of the sigmoid, a(1 − a), is used in {where}, which is no sigmoid",
        "Each activation has its own slope; here it is {slope}.",
        dict.fromkeys(("tanh", "relu", "identity"), SLOPES["sigmoid"]),
    ),
)
CROSS_ENTROPY_NOTE = (
    " (a − y alone is the output delta of a {name} with *cross-entropy*. If that is your loss, this step is right "
    "for it; for the squared error the slope stays.)"
)
