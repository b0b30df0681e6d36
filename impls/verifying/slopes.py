"""Wrong slopes: f′(z) left out, taken at the wrong place, or that of another activation."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from impls.problem import BINARY_CROSS_ENTROPY, CROSS_ENTROPY, SQUARED
from impls.verifying.mutants import Mistake, Place, Steps, at_layers, ones
from impls.verifying.running import Running
from impls.verifying.wording import SLOPE_FORMULAS, delta_equation, hidden_name, layer_name

Slope = Callable[[Place], Running]


WRONG_SLOPES: tuple[tuple[str, str, str, dict[str, Slope]], ...] = (
    (
        "none",
        "the slope {f}′(z) is missing in {where}",
        "By the chain rule the error has to pass back through the activation: δ needs the factor {f}′(z).{more}",
        {f: lambda at: ones(at.z) for f in ("sigmoid", "tanh", "relu")},
    ),
    (
        "of-z",
        "the slope is computed from z where it needs a, in {where}",
        "The short form of the slope is in terms of the activation's output a; you gave it the input z.",
        {"sigmoid": lambda at: at.z * (1 - at.z), "tanh": lambda at: 1 - at.z * at.z},
    ),
    (
        "of-a",
        "the slope is computed as {f}′(a) instead of {f}′(z), in {where}",
        "Your derivative function applies the activation itself, but it was given a, to which the activation has "
        "been applied already: it is applied twice.",
        {
            "sigmoid": lambda at: at.a.sigmoid() * (1 - at.a.sigmoid()),
            "tanh": lambda at: 1 - at.a.tanh() * at.a.tanh(),
        },
    ),
    (
        "just-a",
        "the slope is taken as a alone, in {where}",
        "The slope of the activation is {slope}; only a is there.",
        {f: lambda at: at.a for f in ("sigmoid", "tanh", "relu")},
    ),
    (
        "just-1-a",
        "the slope is taken as 1 − a, in {where}",
        "The slope of the activation is {slope}; only 1 − a is there.",
        {f: lambda at: 1 - at.a for f in ("sigmoid", "tanh")},
    ),
    (
        "of-tanh",
        "the slope of tanh, 1 − a², is used in {where}, which is no tanh",
        "Each activation has its own slope; here it is {slope}.",
        {f: lambda at: 1 - at.a * at.a for f in ("sigmoid", "relu", "identity")},
    ),
    (
        "of-sigmoid",
        "the slope of the sigmoid, a(1 − a), is used in {where}, which is no sigmoid",
        "Each activation has its own slope; here it is {slope}.",
        {f: lambda at: at.a * (1 - at.a) for f in ("tanh", "relu", "identity")},
    ),
)


SYMBOL = {"sigmoid": "σ", "tanh": "tanh", "relu": "relu", "identity": "f", "softmax": "softmax"}


CROSS_ENTROPY_NOTE = (
    " (a − y alone is the output delta of a sigmoid with *cross-entropy*. If that is your loss, this step is right "
    "for it; for the squared error the slope stays.)"
)


def slopes_of(activations: Sequence[str]) -> Iterator[Mistake]:
    """Every wrong slope that a network of these activations can have: everywhere, in one layer, in all hidden ones."""
    m = len(activations)
    for name, title, sentence, forms in WRONG_SLOPES:
        affected = [ell for ell in range(1, m + 1) if activations[ell - 1] in forms]
        hidden, output = [ell for ell in affected if ell < m], [ell for ell in affected if ell == m]
        scopes = [("output", output, layer_name(m, m)), ("hidden", hidden, hidden_name(m))]
        scopes += [(str(ell), [ell], layer_name(ell, m)) for ell in hidden if len(hidden) > 1]
        if hidden and output:
            scopes.insert(0 if name in ("of-z", "of-a") else 2, ("every", affected, "every layer"))
        for scope, layers, where in scopes:
            if not layers:
                continue
            first = activations[layers[-1] - 1]
            loss_note = CROSS_ENTROPY_NOTE if name == "none" and output == layers and first == "sigmoid" else ""
            yield Mistake(
                f"slope-{name}-{scope}",
                title.format(f=SYMBOL[first], where=where),
                sentence.format(f=SYMBOL[first], more=loss_note, slope=SLOPE_FORMULAS[first].format(layers[-1])),
                ",  ".join(delta_equation(ell, activations) for ell in reversed(layers)),
                {"slope": at_layers(layers, lambda at, forms=forms: forms[at.activation](at), Steps.slope)},
                loss=SQUARED if m in layers else "",
            )
    yield from _slopes_of_the_output(activations)


def _slopes_of_the_output(activations: Sequence[str]) -> Iterator[Mistake]:
    """What goes wrong where the loss and the output's activation belong together, or should."""
    m, last = len(activations), activations[-1]

    def mistake(name: str, title: str, sentence: str, loss: str, step: Slope) -> Mistake:
        equation = delta_equation(m, activations, loss)
        return Mistake(name, title, sentence, equation, {"slope": at_layers([m], step, Steps.slope)}, loss=loss)

    if last in ("sigmoid", "softmax"):
        yield mistake(
            "slope-extra-output",
            f"the slope of the {last} is multiplied in, which the cross-entropy has cancelled",
            f"With the cross-entropy, the derivative of the loss times that of the {last} is a − y: the slope a(1 − a) "
            "must not be multiplied in once more.",
            BINARY_CROSS_ENTROPY if last == "sigmoid" else CROSS_ENTROPY,
            lambda at: at.a * (1 - at.a),
        )
    if last == "softmax":
        yield mistake(
            "slope-none-output",
            "the derivative of the softmax is missing in the output layer",
            "The squared error has to pass back through the softmax: every output depends on every z of its row."
            + CROSS_ENTROPY_NOTE.replace("sigmoid", "softmax"),
            SQUARED,
            lambda at: ones(at.z),
        )
        yield mistake(
            "softmax-elementwise",
            "the softmax is differentiated unit by unit",
            "a(1 − a) is only the diagonal of its derivative: every output depends on every z of its row.",
            SQUARED,
            lambda at: at.a * (1 - at.a),
        )
