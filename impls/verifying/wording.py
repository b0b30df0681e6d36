"""Wording: layers, equations and losses as a student calls them, in the layout that the user has."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from samegrad.impls.problem import SQUARED
from samegrad.impls.verifying.conventions import Convention

RIGHT, WRONG, UNKNOWN = "right", "wrong", "cannot tell"
"""The three verdicts."""
SLOPE_FORMULAS = {"sigmoid": "a{0}∘(1−a{0})", "tanh": "1−a{0}²", "relu": "[z{0} > 0]", "identity": "1"}
SYMBOL = {"sigmoid": "σ", "tanh": "tanh", "relu": "relu", "identity": "f", "softmax": "softmax"}


def listed(items: Iterable[object], word: str = "and") -> str:
    """ "a, b and c"."""
    *first, last = map(str, items)
    return f"{', '.join(first)} {word} {last}" if first else last


def layer_name(ell: int, m: int) -> str:
    """What a student calls layer ell of m."""
    if m == 1:
        return "the layer"
    if ell == m:
        return "the output layer"
    return "the hidden layer" if m == 2 else f"hidden layer {ell}"


def of_layer(what: str, ell: int, m: int) -> str:
    """ "the hidden bias", "the weights of the output layer", …"""
    if m == 2:
        return f"the {'output' if ell == 2 else 'hidden'} {what}"
    return f"the {what}" if m == 1 else f"the {what} of layer {ell}"


def delta_equation(ell: int, activations: Sequence[str], loss: str = SQUARED) -> str:
    """δℓ as it should be."""
    m = len(activations)
    if ell == m and loss != SQUARED:
        return f"δ{m} = 1/(N·k)·(a{m} − y)"
    if ell == m and activations[-1] == "softmax":
        return f"δ{m} = a{m} ∘ (c − Σ c∘a{m})  with  c = 2/(N·k)·(a{m} − y)"
    slope = SLOPE_FORMULAS[activations[ell - 1]].format(ell)
    return f"δ{ell} = 2/(N·k)·(a{ell} − y) ∘ {slope}" if ell == m else f"δ{ell} = (δ{ell + 1} W{ell + 1}ᵀ) ∘ {slope}"


def weight_equation(ell: int) -> str:
    """dWℓ as it should be."""
    return f"dW{ell} = {f'a{ell - 1}' if ell > 1 else 'x'}ᵀ δ{ell}"


def bias_equation(ell: int) -> str:
    """dbℓ as it should be."""
    return f"db{ell} = sum over rows of δ{ell}"


def hidden_name(m: int) -> str:
    """What a student calls all layers but the last of m."""
    return "the hidden layer" if m == 2 else "the hidden layers"


def family_words(loss: str) -> str:
    """A loss without its constants, in words."""
    return "squared error" if loss == SQUARED else loss


def formula(convention: Convention, outputs: int) -> str:
    """The loss, with k left out where there is one output."""
    return convention.formula if outputs > 1 else convention.formula.replace("(N·k)", "N")


def in_words(convention: Convention, outputs: int) -> str:
    """What the gradient is beside that of the mean squared error; of a cross-entropy, what it is called."""
    if convention.loss != SQUARED:
        return convention.relation
    if convention.name == "mse":
        return "the gradient of the mean squared error"
    relation = convention.relation if outputs > 1 else convention.relation.replace("N·k", "N")
    return f"{relation} the gradient of the mean"


def loss_words(convention: Convention, outputs: int) -> str:
    """The loss as a formula, with its name or its relation to the mean."""
    words = formula(convention, outputs)
    if convention.loss != SQUARED:
        return f"{convention.relation}, {words}"
    return (
        f"{words}, the mean squared error" if convention.name == "mse" else f"{words}: {in_words(convention, outputs)}"
    )


def in_layout(equation: str, flipped: bool, columns: bool) -> str:
    """An equation for x: (N, inputs) and W: (fan_in, fan_out) in the user's own layout."""
    if columns:  # features × examples: everything is transposed
        equation = equation.replace("over rows", "over columns")
        equation = re.sub(r"(\(?)(\w+)ᵀ (δ\S)", r"\1\3 \2ᵀ" if flipped else r"\1\2 \3ᵀ", equation)
        return re.sub(r"(δ\w) (W\w)ᵀ", r"\2ᵀ \1" if flipped else r"\2 \1", equation)
    if flipped:
        equation = re.sub(r"(\w+)ᵀ (δ\w)", r"\2ᵀ \1", equation)
        return re.sub(r"(δ\w) (W\w)ᵀ", r"\1 \2", equation)
    return equation


def with_factor(equation: str, convention: Convention, outputs: int) -> str:
    """The output delta's constant in the user's own convention."""
    own = output_cotangent(convention).removesuffix(" − y)")
    for mean in ("2/(N·k)·(a", "1/(N·k)·(a"):
        equation = equation.replace(mean, own)
    return equation if outputs > 1 else equation.replace("(N·k)", "N")


def output_cotangent(convention: Convention) -> str:
    """∂L/∂a of a squared error, ∂L/∂z of a cross-entropy, written out."""
    below = [letter for letter, mean in (("N", convention.over_rows), ("k", convention.over_outputs)) if mean]
    one = convention.half or convention.loss != SQUARED
    if not below:
        return "(a − y)" if one else "2·(a − y)"
    divisor = below[0] if len(below) == 1 else "(N·k)"
    return f"{'1' if one else '2'}/{divisor}·(a − y)"
