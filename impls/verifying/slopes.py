"""Wrong slopes: f′(z) left out, taken at the wrong place, or that of another activation."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from samegrad.impls.problem import BINARY_CROSS_ENTROPY, CROSS_ENTROPY, SQUARED
from samegrad.impls.verifying.mutants import FUNCTIONS, SLOPES, BackwardSteps, Mistake, at_layers, ones
from samegrad.impls.verifying.running import Running
from samegrad.impls.verifying.wording import SLOPE_FORMULAS, SYMBOL, delta_equation, hidden_name, layer_name


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
        {f: lambda z, a, f=f: SLOPES[f](z, z) for f in ("sigmoid", "tanh")},
    ),
    Slope(
        "of-a",
        "the slope is computed as {f}′(a) instead of {f}′(z), in {where}",
        "Your derivative function applies the activation itself, but it was given a, to which the activation has "
        "been applied already: it is applied twice.",
        {f: lambda z, a, f=f: SLOPES[f](a, FUNCTIONS[f](a)) for f in ("sigmoid", "tanh")},
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


def slopes_of(activations: Sequence[str]) -> Iterator[Mistake]:
    """Every wrong slope that a network of these activations can have: everywhere, in one layer, in all hidden ones."""
    m = len(activations)
    for row in WRONG_SLOPES:
        affected = [ell for ell in range(1, m + 1) if activations[ell - 1] in row.forms]
        hidden, output = [ell for ell in affected if ell < m], [ell for ell in affected if ell == m]
        scopes = [("output", output, layer_name(m, m)), ("hidden", hidden, hidden_name(m))]
        scopes += [(str(ell), [ell], layer_name(ell, m)) for ell in hidden if len(hidden) > 1]
        if hidden and output:
            scopes.insert(0 if row.name in ("of-z", "of-a") else 2, ("every", affected, "every layer"))
        for scope, layers, where in scopes:
            if layers:
                yield _written(row, scope, layers, where, activations)
    yield from _of_the_output(activations)


def _written(row: Slope, scope: str, layers: list[int], where: str, activations: Sequence[str]) -> Mistake:
    """The row at these layers."""
    last = activations[layers[-1] - 1]
    slope = SLOPE_FORMULAS.get(last, "").format(layers[-1])
    cancels = row.name == "none" and scope == "output" and last in ("sigmoid", "softmax")
    sentence = row.sentence + (CROSS_ENTROPY_NOTE if cancels else "")
    return Mistake(
        f"slope-{row.name}-{scope}",
        row.title.format(f=SYMBOL[last], where=where),
        sentence.format(f=SYMBOL[last], name=last, slope=slope),
        ",  ".join(delta_equation(ell, activations) for ell in reversed(layers)),
        {"slope": at_layers(layers, lambda at: row.forms[at.activation](at.z, at.a), BackwardSteps.slope)},
        loss=SQUARED if len(activations) in layers else "",
    )


def _of_the_output(activations: Sequence[str]) -> Iterator[Mistake]:
    """A slope a(1 − a) where the loss has cancelled it, or where the output is a softmax, which has none."""
    m, last = len(activations), activations[-1]
    step = {"slope": at_layers([m], lambda at: SLOPES["sigmoid"](at.z, at.a), BackwardSteps.slope)}
    if last in ("sigmoid", "softmax"):
        loss = BINARY_CROSS_ENTROPY if last == "sigmoid" else CROSS_ENTROPY
        yield Mistake(
            "slope-extra-output",
            f"the slope of the {last} is multiplied in, which the cross-entropy has cancelled",
            f"With the cross-entropy, the derivative of the loss times that of the {last} is a − y: the slope a(1 − a) "
            "must not be multiplied in once more.",
            delta_equation(m, activations, loss),
            step,
            loss=loss,
        )
    if last == "softmax":
        yield Mistake(
            "softmax-elementwise",
            "the softmax is differentiated unit by unit",
            "a(1 − a) is only the diagonal of its derivative: every output depends on every z of its row.",
            delta_equation(m, activations),
            step,
            loss=SQUARED,
        )
