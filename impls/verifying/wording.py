"""Wording: layers, equations and losses as a student calls them, in the layout that the user has, and what is seen in
the numbers: which tensors are right, and how the others are wrong."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

import numpy as np

from samegrad.impls.parameters import Array
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


# -- what is seen in the numbers --------------------------------------------------------------------------------------

CLOSE = {"float64": 1e-9, "float32": 1e-4}
"""Two numbers this near, relatively to the largest beside them, are called the same: millions of roundings of float64,
or a thousand of float32, which a right gradient at the probes' scale never needs; and far below any factor that a
mistake introduces (a number of rows, 2, the learning rate 0.375)."""
DIGITS = {"rtol": 1e-4, "of_largest": 1e-6}
"""Off by no more than this is a matter of lost digits and of no wrong formula: float32 inside, or differences in the
place of derivatives; below a millionth of the largest entry those have no digits left."""


Case = tuple[Array, Array, int]
"""The tensor that was found, the one that was expected, and the number of rows."""
Beside = tuple[Mapping[str, Array], Mapping[str, Array], int]
"""The same of all tensors of one probe."""


def phrase(taus: Mapping[str, float], probes: Sequence[Beside], dtype: str, absent: Collection[str] = ()) -> str:
    """ "db1 is zero while every other gradient is right", of each tensor's worst τ and what is seen at the probes.

    `absent` are the tensors for which nothing was returned.
    """

    def relation_of(name: str) -> str:
        cases = [(found[name], expected[name], rows) for found, expected, rows in probes]
        return "is not returned" if name in absent else relation(cases, dtype)

    seen = {name: relation_of(name) for name, tau in taus.items() if tau > 1}
    if not seen:
        return "every gradient is right"
    groups: dict[str, list[str]] = {}
    for name, what in seen.items():
        groups.setdefault(what, []).append(name)
    right = [name for name in taus if name not in seen]
    if not right and len(groups) == 1:
        return f"every gradient {next(iter(groups))}"
    phrases = [
        f"{listed('d' + name for name in sorted(names, key=lambda n: (n[1:], n[0] == 'b')))} {_agree(what, len(names))}"
        for what, names in groups.items()
    ]
    if not right:
        return "; ".join(phrases)
    return f"{'; '.join(phrases)} while {the_rest_is_right([f'd{name}' for name in right])}"


def the_rest_is_right(right: Sequence[str]) -> str:
    """ "every other gradient is right", or the only one by its name."""
    return f"{'every other gradient' if len(right) > 1 else right[0]} is right"


def relation(cases: Sequence[Case], dtype: str) -> str:
    """The simplest relation that holds on all probes; written for one tensor ("is zero")."""
    close = CLOSE[dtype]

    def everywhere(test: Callable[[Array, Array], bool]) -> bool:
        return all(test(actual, expected) for actual, expected, _ in cases)

    def same(actual: Array, expected: Array) -> bool:
        return actual.shape == expected.shape and np.allclose(
            actual, expected, rtol=close, atol=close * _size(expected)
        )

    if not everywhere(lambda actual, expected: bool(np.isfinite(actual).all())):
        return "is not finite"
    if everywhere(lambda actual, expected: not np.any(actual)):
        return "is zero"
    if everywhere(lambda f, e: same(f, -e)):
        return "is −1 times the right one"
    if everywhere(lambda f, e: f.ndim == 2 and f.size > 1 and same(f, e.T)):
        return "is the transpose of the right one"
    for actual, expected, rows in cases:
        if actual.shape != expected.shape:
            return f"has the shape {actual.shape} where {expected.shape} is due (with {rows} rows)"
    if everywhere(lambda f, e: f.ndim == 1 and f.size > 1 and same(f, np.full(f.shape, e.sum()))):
        return "has the total in every entry"
    if factor := _factor(cases, same, close):
        return factor
    if everywhere(lambda f, e: f.ndim == 2 and same(np.sort(f.ravel()), np.sort(e.ravel()))):
        return "has the right numbers in the wrong places"
    singles = [same(actual, expected) for actual, expected, rows in cases if rows == 1]
    if singles and all(singles):
        return "is right for one row but wrong for several"
    if everywhere(lambda f, e: same(f.sum(), e.sum())):
        return "has the right sum in wrong parts"
    if dtype == "float64" and everywhere(
        lambda f, e: np.allclose(f, e, rtol=DIGITS["rtol"], atol=DIGITS["of_largest"] * _size(e))
    ):
        error = max(np.max(abs(actual - expected)) / _size(expected) for actual, expected, _ in cases)
        return f"is right to about {int(-np.log10(error))} digits only"
    return "is wrong"


def _factor(cases: Sequence[Case], same: Callable[[Array, Array], bool], close: float) -> str:
    """ "is 0.25 times the right one", or the factor's dependence on the number of rows."""
    factors = []
    for actual, expected, rows in cases:
        power = float(np.vdot(expected, expected))
        if power == 0:
            return ""
        factor = float(np.vdot(expected, actual)) / power
        if not same(actual, factor * expected):
            return ""
        factors.append((rows, factor))
    if np.allclose([factor for _, factor in factors], factors[0][1], rtol=close) and any(r > 1 for r, _ in factors):
        if all(actual.size == 1 for actual, _, _ in cases) and len(cases) < 2:
            return ""
        return f"is {factors[0][1]:.4g} times the right one"
    for power_of_rows, words in ((1, "N times"), (-1, "1/N of")):
        if all(np.isclose(factor, float(rows) ** power_of_rows, rtol=close) for rows, factor in factors):
            return f"is {words} the right one (N rows)"
    return ""


def _size(array: Array) -> float:
    return float(np.max(abs(array), initial=0.0)) or 1.0


def _agree(what: str, count: int) -> str:
    """Singular to plural."""
    if count == 1:
        return what
    verb, rest = what.split(" ", 1)
    return f"{'are' if verb == 'is' else 'have'} {rest.replace('the right one', 'the right ones')}"
