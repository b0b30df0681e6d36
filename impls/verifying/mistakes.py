"""The bank of mistakes: one table, in which a row is a mistake that can be made in several places.

A row has a name, a title and a sentence for a student, the right equation, and the step of the
backward pass that it changes. Its scopes are the places: one layer, all of them, one tensor. The texts say {whose} it
is and may name what is there, as {a} or {W}. `bank` writes every row out for a network.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, partial
from typing import Any

import numpy as np

from samegrad.impls.problem import BINARY_CROSS_ENTROPY, CROSS_ENTROPY, SQUARED
from samegrad.impls.verifying.mutants import SLOPES, BackwardSteps, Mistake, Place
from samegrad.impls.verifying.running import Running
from samegrad.impls.verifying.slopes import CROSS_ENTROPY_NOTE, WRONG_SLOPES
from samegrad.impls.verifying.wording import (
    SLOPE_FORMULAS,
    SYMBOL,
    bias_equation,
    delta_equation,
    hidden_name,
    layer_name,
    of_layer,
    weight_equation,
)


@dataclass(frozen=True)
class Scope:
    """Where a mistake is made."""

    at: str
    """The place as it is written in the mistake's name."""
    layers: Sequence[int]
    whose: str = ""
    tensors: Sequence[str] = ()
    """The tensors that it changes, for a mistake in finished gradients."""
    words: Mapping[str, Any] = field(default_factory=dict)
    """More words for the texts, by their keys."""


Scopes = Callable[[int], list[Scope]]
"""The scopes in a network of so many layers."""


@dataclass(frozen=True)
class Kind:
    """One mistake, wherever it is made."""

    name: str
    scopes: Scopes
    step: str
    change: Callable[..., Any]
    title: str
    sentence: str
    equation: str
    """ "δ", "dW", "db" or "dW db" for these equations of the scope's layers; else the equation itself."""
    proportional: bool = True

    def written(self, scope: Scope, activations: Sequence[str]) -> Mistake:
        """The row at this scope."""
        m, ell = len(activations), scope.layers[0]
        before = f"a{ell - 1}" if ell > 1 else "x"
        there = {"at": scope.at, "ell": ell, "m": m, "above": ell + 1, "below": ell - 1, "before": before}
        words = {**there, "whose": scope.whose, "Whose": scope.whose[:1].upper() + scope.whose[1:], **scope.words}
        equation = self.equation.format(**words)
        equation = equations(equation, scope.layers, activations) or equation
        name, title, sentence = (text.format(**words) for text in (self.name, self.title, self.sentence))
        return Mistake(
            name, title, sentence, equation, {self.step: self._limited(scope)}, proportional=self.proportional
        )

    def _limited(self, scope: Scope) -> Callable[..., Any]:
        """The step, changed at this scope and as usual elsewhere."""
        change, usual = self.change, getattr(BackwardSteps, self.step)
        if self.step in ("rows", "error"):
            return change
        if self.step == "finish":
            return lambda gradients, rate, rows: {
                n: change(g, rate, rows) if n in scope.tensors else g for n, g in gradients.items()
            }
        if self.step == "sum":
            return lambda ell, *rest: (change if ell in scope.layers else usual)(ell, *rest)
        up = self.step == "back"  # which is taken at the layer above
        return lambda at, *rest: (change if at.ell - up in scope.layers else usual)(at, *rest)


def equations(kind: str, layers: Sequence[int], activations: Sequence[str]) -> str:
    """δ, dW or db of these layers as they should be; "" for another kind."""
    if kind == "δ":
        return ",  ".join(delta_equation(ell, activations) for ell in sorted(layers, reverse=True))
    if kind == "db" and len(layers) > 1:
        return "dbℓ = sum over rows of δℓ, for every layer ℓ"
    written = {"dW": weight_equation, "db": bias_equation}
    if not set(kind.split()) <= set(written):
        return ""
    return ",  ".join(written[one](ell) for ell in layers for one in kind.split())


# -- scopes -----------------------------------------------------------------------------------------------------------


def _network(m: int) -> list[Scope]:
    every = [f"{kind}{ell}" for ell in range(1, m + 1) for kind in "Wb"]
    return [Scope("", range(1, m + 1), "every gradient", every)]


def _several(m: int) -> list[Scope]:
    """All layers together, where there are several."""
    return _network(m) if m > 1 else []


def _each_bias(m: int) -> list[Scope]:
    return [Scope(f"b{ell}", [ell], of_layer("bias", ell, m)) for ell in range(1, m + 1)]


def _each_weight(m: int) -> list[Scope]:
    return [Scope(f"W{ell}", [ell], of_layer("weights", ell, m)) for ell in range(1, m + 1)]


def _weights(m: int) -> list[Scope]:
    """The weights of all layers, and of each of several."""
    single = [Scope(f"W{ell}", [ell], f"gradient of W{ell} comes") for ell in range(1, m + 1) if m > 1]
    return [Scope("weights", range(1, m + 1), "gradients of the weights come"), *single]


def _biases(m: int) -> list[Scope]:
    """The bias of each layer, and of all of several."""
    return _each_bias(m) + [Scope("biases", range(1, m + 1), "every bias") for _ in range(m > 1)]


def _ways_back(m: int) -> list[Scope]:
    """Between which layers the error is passed back: all of them, then each two of several."""
    single = [Scope(f"-{ell}", [ell], words={"W": f"W{ell + 1}", "delta": f"δ{ell + 1}"}) for ell in range(1, m)]
    if m <= 2:
        return [replace(scope, at="") for scope in single]
    return [Scope("", range(1, m), words={"W": "W of the layer above", "delta": "δ"}), *single]


def _layers(m: int) -> list[Scope]:
    """Both tensors of each layer of several."""
    named = [(ell, f"the gradients of {layer_name(ell, m)}") for ell in range(1, m + 1) if m > 1]
    return [Scope(f"W{ell}-b{ell}", [ell], whose, (f"W{ell}", f"b{ell}")) for ell, whose in named]


def _parts(m: int) -> list[Scope]:
    """What one sign may be wrong in: a layer, a tensor, all biases, all weights."""
    layers = [replace(scope, at=f"layer-{scope.layers[0]}") for scope in _layers(m)]
    pairs = zip(_each_weight(m), _each_bias(m), strict=True)
    single = [replace(s, whose=f"the gradient of {s.whose}", tensors=(s.at,)) for pair in pairs for s in pair]
    for kind in ("biases", "weights") if m > 1 else ():
        every = [name for name in _network(m)[0].tensors if name[0].lower() == kind[0]]
        single.append(Scope(kind, range(1, m + 1), f"the {kind}' gradients", every))
    return layers + single


def _layers_and_weights(m: int) -> list[Scope]:
    """Both tensors of each layer of several, and each weight matrix."""
    both = [replace(scope, whose=f"{scope.whose} are", words={"parts": "dW db"}) for scope in _layers(m)]
    alone = [(ell, f"the gradient of W{ell} is") for ell in range(1, m + 1)]
    return both + [Scope(f"W{ell}", [ell], whose, (f"W{ell}",), {"parts": "dW"}) for ell, whose in alone]


# -- the table --------------------------------------------------------------------------------------------------------


def _only_if(possible: bool, value: Callable[[], Running]) -> Running:
    """The value; where the shapes make it impossible, NumPy's refusal."""
    if not possible:
        raise ValueError("NumPy would refuse these shapes")
    return value()


SHAPE = (
    "A gradient has the shape of its parameter, entry for entry. Where the matrix is square nothing complains, and "
    "each weight is moved by another weight's gradient."
)
NO_BIAS = "has a gradient like every other parameter; without it the bias keeps its first value for ever."
RESHAPED = "reshape keeps the numbers in their order and cuts the rows anew; transposing swaps rows and columns."
TWO = "The 2 of the derivative (or the ½ of the loss) belongs into δ, once and for all tensors."
MEAN = "The 1/N of a mean belongs into the output's δ, once and for all tensors."
FLAT = "the target's shape (N,) is broadcast against predictions of shape (N, 1)"
TABLE = "a − y then is an (N, N) table of every prediction against every target"
ERROR = "e = a{m} − y"
COLUMN = ERROR + " with y of shape (N, 1): y = y.reshape(-1, 1)"
SUM_OF_ROWS = "dWℓ = Σ over rows i of aℓ₋₁ᵢᵀ δℓᵢ"

BEFORE_SLOPES = (
    Kind("sign", _network, "finish", lambda g, rate, rows: -g, "the sign of every gradient is flipped",
        "Your step climbs the error instead of descending it: either the error is y − a instead of a − y, or "
        "the update adds what it should subtract.", "e = a − y, and the update W ← W − rate·dW"),
    Kind("{at}-missing", _each_bias, "bias", lambda at, delta, above: 0.0 * delta.sum(axis=0),
        "{whose} is never updated", "{Whose} " + NO_BIAS, "db"),
    Kind("biases-missing", _several, "bias", lambda at, delta, above: 0.0 * delta.sum(axis=0),
        "no bias is ever updated", "Every bias " + NO_BIAS, "db"),
)  # fmt: skip
AFTER_SLOPES = (
    Kind("{at}-ignored", _each_bias, "sum", lambda ell, before, W, b: before @ W,
        "{whose} is left out of the prediction that is trained",
        "The error must come from the network's own prediction, bias and all. While the bias is still zero the "
        "difference cannot be seen: it shows from the second step on.", "z{ell} = {before} W{ell} + b{ell}"),
    Kind("back-updated-first{at}", _ways_back, "back", lambda at, delta, cotangent, dW: delta @ (at.W - at.rate * dW).T,
        "{W} is updated before it is used to pass the error back",
        "The hidden delta needs {W} as it was in the forward pass. Compute all deltas first, then update.", "δ", False),
    Kind("back-without-weights{at}", _ways_back, "back",
        lambda at, delta, cotangent, dW: delta.sum(axis=1, keepdims=True) * np.ones((1, at.W.shape[0])),
        "{W} is left out when the error is passed back",
        "A hidden unit answers for the output's error in proportion to the weight that connects them: {W}.", "δ"),
    Kind("back-without-slope{at}", _ways_back, "back", lambda at, delta, cotangent, dW: cotangent @ at.W.T,
        "the raw error is passed back instead of {delta}",
        "What goes back through {W} is δ, the error *times the slope* of the layer above, not the error itself.", "δ"),
    Kind("back-reshaped-weights{at}", _ways_back, "back",
        lambda at, delta, cotangent, dW: delta @ at.W.reshape(*at.W.shape[::-1]),
        "{W} is reshaped, not transposed, when the error is passed back", RESHAPED, "δ"),
    Kind("back-untransposed-weights{at}", _ways_back, "back", lambda at, delta, cotangent, dW: delta @ at.W,
        "{W} is not transposed when the error is passed back",
        "The forward pass multiplies by {W}, the backward pass by its transpose; with a square matrix (or one shape "
        "equal to another) NumPy does not complain.", "δ"),
    Kind("back-elementwise-weights{at}", _ways_back, "back",
        lambda at, delta, cotangent, dW: _only_if(delta.shape == at.W.shape, lambda: delta * at.W),
        "the error is multiplied by {W} element by element instead of by a matrix product",
        "δ*{W} pairs row i of the batch with hidden unit i, which only runs because there are as many rows as units.",
        "δ"),
    Kind("{at}-transposed", _weights, "weight", lambda at, delta: BackwardSteps.weight(at, delta).T,
        "the {whose} out transposed", SHAPE, "dW"),
    Kind("{at}-reshaped", _each_weight, "weight",
        lambda at, delta: (delta.T @ at.a_before).reshape(at.W.shape[0], at.W.shape[1]),
        "the gradient of {at} is reshaped where it should be transposed",
        RESHAPED + " The right numbers are in the wrong places.", "dW"),
    Kind("{at}-input-untransposed", _each_weight, "weight", lambda at, delta: at.a_before @ delta,
        "{before} is not transposed in the gradient of {at}",
        "{before} @ δ{ell} sums over the units where it should sum over the rows; it only runs because there are as "
        "many rows as units.", "dW"),
    Kind("{at}-from-z", lambda m: _each_weight(m)[1:], "weight", lambda at, delta: at.z_before.T @ delta,
        "the gradient of {at} uses z{below} instead of {before}",
        "{at} was multiplied by {before}, the output of the activation: that is what its gradient needs.", "dW"),
    Kind("{at}-missing", _each_weight, "weight", lambda at, delta: 0.0 * BackwardSteps.weight(at, delta),
        "{whose} are never updated", "Their gradient is zero or is never applied.", "dW"),
    Kind("{at}-averaged", _biases, "bias", lambda at, delta, above: delta.sum(axis=0) * (1 / delta.shape[0]),
        "the gradient of {whose} is averaged over the rows where the weights' is summed",
        "The 1/N of a mean belongs into δ, once and for all tensors; the bias then takes the plain sum.", "db"),
    Kind("{at}-summed", _biases, "bias", lambda at, delta, above: delta.sum(axis=0) * float(delta.shape[0]),
        "the gradient of {whose} is summed over the rows where the weights' is averaged",
        "If the weights' gradient is divided by N, the bias's has to be divided by N as well.", "db"),
    Kind("{at}-scalar", _biases, "bias", lambda at, delta, above: delta.sum() * np.ones(delta.shape[1]),
        "the gradient of {whose} is summed over everything, to one number",
        "np.sum without an axis adds up the units as well; each unit's bias has its own gradient.", "db"),
    Kind("{at}-wrong-axis", _biases, "bias", lambda at, delta, above: delta.sum(axis=1),
        "the gradient of {whose} is summed along the wrong axis",
        "It adds up the units of each row where it should add up the rows of each unit; that only runs because there "
        "are as many rows as units.", "db"),
    Kind("{at}-halved", _biases, "bias", lambda at, delta, above: delta.sum(axis=0) * 0.5,
        "the gradient of {whose} has half the weights' constant", TWO, "db"),
    Kind("{at}-doubled", _biases, "bias", lambda at, delta, above: delta.sum(axis=0) * 2.0,
        "the gradient of {whose} has twice the weights' constant", TWO, "db"),
    Kind("{at}-last-row", _biases, "bias", lambda at, delta, above: delta[-1],
        "the gradient of {whose} takes one row instead of the sum over the rows",
        "Every row of the batch pulls at the bias.", "db"),
    Kind("{at}-from-above", lambda m: _each_bias(m)[:-1], "bias",
        lambda at, delta, above: above.sum(axis=0) * np.ones(delta.shape[1]),
        "the gradient of {whose} is taken from the layer above",
        "It uses δ{above}; each bias answers for the delta of its own layer.", "db"),
    Kind("last-row-only", _network, "rows", lambda x, y: (x[-1:], y[-1:]), "only the last row of the batch is used",
        "Each row's gradient overwrites the one before it; they have to be added up (dW += …, not dW = …).",
        SUM_OF_ROWS),
    Kind("first-row-only", _network, "rows", lambda x, y: (x[:1], y[:1]), "only the first row of the batch is used",
        "The loop over the rows ends after the first one (a return inside the loop?).", SUM_OF_ROWS),
    Kind("flat-target", _network, "error",
        lambda a, y: _only_if(y.shape[1] == 1, lambda: a - np.full(y.shape, y.mean())),
        FLAT, TABLE + ", so that each row is pulled to the *mean* of the targets.", COLUMN),
    Kind("flat-target-sum", _network, "error",
        lambda a, y: _only_if(y.shape[1] == 1, lambda: (a - np.full(y.shape, y.mean())) * float(len(y))),
        FLAT, TABLE + ", all of which are summed.", COLUMN),
    Kind("flat-target-table", _network, "error", lambda a, y: _only_if(y.shape[1] == 1, lambda: a - y.reshape(1, -1)),
        FLAT, TABLE + ".", COLUMN),
    Kind("absolute-error", _network, "error", lambda a, y: (a - y).absolute(), "the error loses its sign",
        "|a − y| in the place of a − y: a prediction that is too small is pushed down further.", ERROR),
    Kind("squared-error", _network, "error", lambda a, y: (a - y) * (a - y),
        "the loss itself is passed back where its derivative belongs",
        "The derivative of (a − y)² is 2(a − y), not (a − y)².", ERROR),
    Kind("swapped-target", _network, "error", lambda a, y: a, "the target is left out of the error",
        "a in the place of a − y: the network learns to answer 0.", ERROR),
    Kind("rate-folded-in", _network, "finish", lambda g, rate, rows: g * rate,
        "the learning rate is folded into the gradient",
        "A gradient does not depend on the learning rate; multiply by it in the update, once.",
        "dW = ∂L/∂W, and the update W ← W − rate·dW"),
    Kind("averaged-twice", _network, "finish", lambda g, rate, rows: g * (1 / rows),
        "every gradient is divided by the number of rows twice",
        "The mean is already in δ (or in the loss's derivative); do not divide by N again.",
        "1/N once: in δ, or in every dW and db, not in both"),
    Kind("rows-twice", _network, "finish", lambda g, rate, rows: g * float(rows),
        "every gradient is multiplied by the number of rows once too often",
        "The sum over the rows is in the matrix product already.", "dW = aᵀ δ, which sums over the rows"),
    Kind("{at}-summed", _layers_and_weights, "finish", lambda g, rate, rows: g * float(rows),
        "{whose} summed over the rows where the others' are averaged", MEAN, "{parts}"),
    Kind("{at}-averaged", _layers_and_weights, "finish", lambda g, rate, rows: g * (1 / rows),
        "{whose} averaged over the rows where the others' are summed", MEAN, "{parts}"),
    Kind("{at}-sign", _parts, "finish", lambda g, rate, rows: -g, "the sign of {whose} is flipped",
        "What is updated with it climbs the error while the rest descends.",
        "W ← W − rate·dW and b ← b − rate·db in every layer"),
)  # fmt: skip


@cache
def bank(activations: tuple[str, ...]) -> list[Mistake]:
    """Every single mistake that a network of these layers can have, the more usual first."""
    return [*_written(BEFORE_SLOPES, activations), *_wrong_slopes(activations), *_written(AFTER_SLOPES, activations)]


def _written(rows: Sequence[Kind], activations: Sequence[str]) -> Iterator[Mistake]:
    return (row.written(scope, activations) for row in rows for scope in row.scopes(len(activations)))


def _wrong_slopes(activations: Sequence[str]) -> Iterator[Mistake]:
    """Every wrong slope that a network of these activations can have: everywhere, in one layer, in all hidden ones."""
    m, output = len(activations), activations[-1]
    for row in WRONG_SLOPES:
        affected = [ell for ell in range(1, m + 1) if activations[ell - 1] in row.forms]
        hidden, last = [ell for ell in affected if ell < m], [ell for ell in affected if ell == m]
        scopes = [("output", last, layer_name(m, m)), ("hidden", hidden, hidden_name(m))]
        scopes += [(str(ell), [ell], layer_name(ell, m)) for ell in hidden if len(hidden) > 1]
        if hidden and last:
            scopes.insert(0 if row.name in ("of-z", "of-a") else 2, ("every", affected, "every layer"))
        for at, layers, where in scopes:
            if layers:
                f = activations[layers[-1] - 1]
                words = {"f": SYMBOL[f], "name": f, "where": where}
                words["slope"] = SLOPE_FORMULAS.get(f, "").format(layers[-1])
                cancels = row.name == "none" and at == "output" and f in ("sigmoid", "softmax")
                sentence = row.sentence + (CROSS_ENTROPY_NOTE if cancels else "")
                change = partial(_slope, row.forms)
                kind = Kind(f"slope-{row.name}-{{at}}", _network, "slope", change, row.title, sentence, "δ")
                mistake = kind.written(Scope(at, layers, words=words), activations)
                yield replace(mistake, loss=SQUARED if m in layers else "")
    extra = partial(_slope, dict.fromkeys(activations, SLOPES["sigmoid"]))
    if output in ("sigmoid", "softmax"):
        loss = BINARY_CROSS_ENTROPY if output == "sigmoid" else CROSS_ENTROPY
        cancelled = Kind("slope-extra-output", _network, "slope", extra,
            "the slope of the {name} is multiplied in, which the cross-entropy has cancelled",
            "With the cross-entropy, the derivative of the loss times that of the {name} is a − y: the slope a(1 − a) "
            "must not be multiplied in once more.", delta_equation(m, activations, loss))  # fmt: skip
        yield replace(cancelled.written(Scope("", [m], words={"name": output}), activations), loss=loss)
    if output == "softmax":
        diagonal = Kind("softmax-elementwise", _network, "slope", extra, "the softmax is differentiated unit by unit",
            "a(1 − a) is only the diagonal of its derivative: every output depends on every z of its row.", "δ",
        )  # fmt: skip
        yield replace(diagonal.written(Scope("", [m]), activations), loss=SQUARED)


def _slope(forms: Mapping[str, Callable[[Running, Running], Running]], at: Place) -> Running:
    return forms[at.activation](at.z, at.a)


PILED_UP = Mistake(
    "accumulates",
    "the gradients pile up from call to call",
    "A second call on the same data gives twice the gradient: what the last call left is not set to zero.",
    "dW = 0 before each pass (or dW = aᵀ δ instead of dW += aᵀ δ)",
)
PENALTY_SIGN = Mistake(
    "penalty-sign",
    "the sign of the penalty on the weights is flipped",
    "A penalty pulls every weight towards zero: its gradient λ·W is added to that of the loss. Here it is subtracted, "
    "so that it pushes the weights away.",
    "dW = ∂L/∂W + λ·W",
)
IGNORES_UPSTREAM = Mistake(
    "upstream-ignored",
    "the gradient that comes from above is left out",
    "backward is given ∂L/∂output, which is 1 only where the output is the loss itself; every gradient that it returns "
    "has to be multiplied by it.",
    "grad_input = grad_output · ∂output/∂input",
)
FLOAT32 = Mistake(
    "float32",
    "something inside is computed in float32",
    "The numbers are right to float32's seven digits, not to the sixteen of float64 that their type promises.",
    "float64 from the inputs to the result (look for float32, astype, or a framework's default dtype)",
)
RIGHT = Mistake("none", "nothing", "", "")
"""The mistake that is none."""
