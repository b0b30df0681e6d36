"""The bank of mistakes: for each one, what the gradients would be, what to tell a student, and what should stand there.

One backward pass is written below as seven steps, in the notation of `numpy_manual`. A mistake is another function in
the place of one step (`bank` lists them); a pair of mistakes replaces two different steps. The pass runs on
`Running` numbers, so that each mistaken gradient comes with a bound on its rounding error.

    rows      x, y           which rows are used
    error     e   = a − y
    slope     s   = f′(z)
    weight    dWℓ = aℓ₋₁ᵀ δℓ          δℓ = cotangentℓ ∘ sℓ,  cotangentₘ = 2/(N·k) · e
    bias      dbℓ = Σ over rows of δℓ
    back      cotangentℓ = δℓ₊₁ Wℓ₊₁ᵀ
    finish    what is done to all gradients at the end
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from impls.checking.running import Running
from impls.parameters import Array, Parameters

Gradients = dict[str, Running]
FUNCTIONS: dict[str, Callable[[Running], Running]] = {
    "sigmoid": Running.sigmoid,
    "tanh": Running.tanh,
    "relu": Running.relu,
    "identity": lambda z: z,
}


def ones(like: Running) -> Running:
    return Running(np.ones(like.shape), 0.0, like.dtype)


SLOPES: dict[str, Callable[[Running, Running], Running]] = {
    "sigmoid": lambda z, a: a * (1 - a),
    "tanh": lambda z, a: 1 - a * a,
    "relu": lambda z, a: z.step(),
    "identity": lambda z, a: ones(z),
}
SLOPE_FORMULAS = {"sigmoid": "a{0}∘(1−a{0})", "tanh": "1−a{0}²", "relu": "[z{0} > 0]", "identity": "1"}


@dataclass(frozen=True)
class Place:
    """Where in the network a step is taken: layer `l` of `m` (counted from 1) and what is known there."""

    l: int  # noqa: E741  (ℓ, as in the equations)
    m: int
    activation: str
    W: Running
    z: Running
    a: Running
    a_before: Running
    z_before: Running
    error: Running
    rate: float


@dataclass(frozen=True)
class Steps:
    """One backward pass; the defaults are the right one."""

    rows: Callable[[Array, Array], tuple[Array, Array]] = lambda x, y: (x, y)
    error: Callable[[Running, Array], Running] = lambda a, y: a - y
    slope: Callable[[Place], Running] = lambda at: SLOPES[at.activation](at.z, at.a)
    weight: Callable[[Place, Running], Running] = lambda at, delta: at.a_before.T @ delta
    bias: Callable[[Place, Running, Running | None], Running] = lambda at, delta, above: delta.sum(axis=0)
    back: Callable[[Place, Running, Running, Running], Running] = lambda at, delta, cotangent, dW: delta @ at.W.T
    finish: Callable[[Gradients, float, int], Gradients] = lambda gradients, rate, rows: gradients


@dataclass(frozen=True)
class Mistake:
    """A mistake that people make."""

    name: str
    title: str
    """What is wrong, after "wrong: "."""
    sentence: str
    """The explanation for a student."""
    equation: str
    """What should stand there."""
    changes: dict[str, Any]
    """The steps that it replaces."""
    parts: tuple[Mistake, ...] = ()
    """The single mistakes of a pair."""
    proportional: bool = True
    """Does twice the loss give twice this gradient?"""

    def steps(self) -> Steps:
        return replace(Steps(), **self.changes)


def gradients(
    activations: Sequence[str],
    parameters: Parameters,
    x: Array,
    y: Array,
    steps: Steps,
    *,
    factor: float = 1.0,
    rate: float = 1.0,
    dtype: str = "float64",
) -> Gradients | None:
    """What a pass of these steps gives for `factor` times the mean squared error: {"W1": …, "b1": …, …}.

    x: (batch, inputs), y: (batch, outputs). `rate` is the learning rate, for the mistakes that involve it. None where
    the mistake cannot be made at these shapes, since NumPy would refuse them.
    """
    with np.errstate(all="ignore"):
        try:
            return _pass(activations, parameters, x, y, steps, factor, rate, dtype)
        except (ValueError, IndexError):
            return None


def _pass(activations, parameters, x, y, steps, factor, rate, dtype) -> Gradients:
    batch, elements = len(x), y.size
    x, y = steps.rows(x, y)
    a = z = Running(x, 0.0, dtype)
    places = []
    for number, ((W, b), activation) in enumerate(zip(parameters, activations, strict=True), start=1):
        before, z_before = a, z
        weights = W if isinstance(W, Running) else Running(W, 0.0, dtype)
        z = before @ weights + b
        a = FUNCTIONS[activation](z)
        places.append((number, len(parameters), activation, weights, z, a, before, z_before))

    cotangent = error = steps.error(a, y) * (2 * factor / elements)
    found: Gradients = {}
    above = None
    for place in reversed(places):
        at = Place(*place, error, rate)
        delta = cotangent * steps.slope(at)
        found[f"b{at.l}"] = steps.bias(at, delta, above)
        found[f"W{at.l}"] = dW = steps.weight(at, delta)
        if at.l > 1:
            cotangent, above = steps.back(at, delta, cotangent, dW), delta
    return steps.finish(found, rate, batch)


def row_by_row(
    activations: Sequence[str],
    parameters: Parameters,
    x: Array,
    y: Array,
    steps: Steps,
    *,
    factor: float = 1.0,
    rate: float = 1.0,
    dtype: str = "float64",
    order: Sequence[int] | None = None,
) -> Gradients | None:
    """What looks like a gradient, (p − p′)/rate, after one update for each row in turn (stochastic gradient descent).

    `factor` is that of a batch of one. Errors are carried along from one update to the next.
    """
    current: Any = [(Running(W, 0.0, dtype), Running(b, 0.0, dtype)) for W, b in parameters]
    for row in order if order is not None else range(len(x)):
        one = slice(row, row + 1)
        found = gradients(activations, current, x[one], y[one], steps, factor=factor, rate=rate, dtype=dtype)
        if found is None or any(found[f"{k}{n}"].shape != p.shape for n, l in enumerate(current, 1) for k, p in zip("Wb", l)):
            return None
        current = [
            tuple(p - rate * found[f"{kind}{n}"] for kind, p in zip("Wb", layer, strict=True))
            for n, layer in enumerate(current, start=1)
        ]
    return {
        f"{kind}{n}": (first - last) * (1 / rate)
        for n, (before, after) in enumerate(zip(parameters, current, strict=True), start=1)
        for kind, first, last in zip("Wb", before, after, strict=True)
    }


def pairs(singles: Sequence[Mistake]) -> Iterator[Mistake]:
    """Two mistakes at once, where they concern different steps."""
    for one, other in itertools.combinations(singles, 2):
        if not set(one.changes) & set(other.changes):
            yield Mistake(
                name=f"{one.name}+{other.name}",
                title=f"{one.title}, and {other.title}",
                sentence=f"{one.sentence} Also: {other.sentence}",
                equation=f"{one.equation}\n{other.equation}",
                changes={**one.changes, **other.changes},
                parts=(one, other),
                proportional=one.proportional and other.proportional,
            )


def bank(activations: Sequence[str]) -> list[Mistake]:
    """Every single mistake that a network of these layers can have, the more usual first."""
    return [*_order(activations)]


def _order(activations: Sequence[str]) -> Iterator[Mistake]:
    m = len(activations)
    yield _sign()
    yield from _missing_biases(m)
    yield from _slopes(activations)
    yield from _way_back(m, activations)
    yield from _weights(m)
    yield from _biases(m)
    yield from _rows()
    yield from _errors(m)
    yield from _scales()
    yield from _lone_signs(m)


def layer_name(l: int, m: int) -> str:  # noqa: E741
    """What a student calls layer l of m."""
    if m == 1:
        return "the layer"
    if l == m:
        return "the output layer"
    return "the hidden layer" if m == 2 else f"hidden layer {l}"


def of_layer(what: str, l: int, m: int) -> str:  # noqa: E741
    """"the hidden bias", "the weights of the output layer", …"""
    if m == 2:
        return f"the {'output' if l == 2 else 'hidden'} {what}"
    return f"the {what}" if m == 1 else f"the {what} of layer {l}"


def delta_equation(l: int, activations: Sequence[str]) -> str:  # noqa: E741
    """δℓ as it should be."""
    m = len(activations)
    slope = SLOPE_FORMULAS[activations[l - 1]].format(l)
    return f"δ{l} = 2/(N·k)·(a{l} − y) ∘ {slope}" if l == m else f"δ{l} = (δ{l + 1} W{l + 1}ᵀ) ∘ {slope}"


def weight_equation(l: int) -> str:  # noqa: E741
    return f"dW{l} = {f'a{l - 1}' if l > 1 else 'x'}ᵀ δ{l}"


def bias_equation(l: int) -> str:  # noqa: E741
    return f"db{l} = sum over rows of δ{l}"


# The mistakes ---------------------------------------------------------------------------------------------------------


def _at(layers: Sequence[int], step: Callable, usual: Callable) -> Callable:
    """`step` at these layers and the usual step at the others."""
    return lambda at, *rest: (step if at.l in layers else usual)(at, *rest)


def _every(change: Callable[[str, Running], Running], only: str = "") -> Callable:
    """A `finish` that changes every gradient whose name begins with `only`."""
    return lambda found, rate, rows: {
        name: change(name, value) if name.startswith(only) else value for name, value in found.items()
    }


def _sign() -> Mistake:
    return Mistake(
        "sign",
        "the sign of every gradient is flipped",
        "Your step climbs the error instead of descending it: either the error is y − a where a − y should stand, "
        "or the update adds what it should subtract.",
        "e = a − y, and the update W ← W − rate·dW",
        {"finish": _every(lambda name, g: -g)},
    )


def _missing_biases(m: int) -> Iterator[Mistake]:
    def without(layers: Sequence[int]) -> dict[str, Any]:
        return {"bias": _at(layers, lambda at, delta, above: 0.0 * delta.sum(axis=0), Steps.bias)}

    for l in range(1, m + 1):  # noqa: E741
        yield Mistake(
            f"b{l}-missing",
            f"{of_layer('bias', l, m)} is never updated",
            f"{of_layer('bias', l, m).capitalize()} has a gradient like every other parameter; without it the bias "
            "keeps its first value for ever.",
            bias_equation(l),
            without([l]),
        )
    if m > 1:
        yield Mistake(
            "biases-missing",
            "no bias is ever updated",
            "Every bias has a gradient like every other parameter; without it the biases keep their first values.",
            "dbℓ = sum over rows of δℓ, for every layer ℓ",
            without(range(1, m + 1)),
        )


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
SYMBOL = {"sigmoid": "σ", "tanh": "tanh", "relu": "relu", "identity": "f"}
CROSS_ENTROPY = (
    " (a − y alone is the output delta of a sigmoid with *cross-entropy*. If that is your loss, this step is right "
    "for it; for the squared error the slope stays.)"
)


def _slopes(activations: Sequence[str]) -> Iterator[Mistake]:
    m = len(activations)
    for name, title, sentence, forms in WRONG_SLOPES:
        affected = [l for l in range(1, m + 1) if activations[l - 1] in forms]  # noqa: E741
        hidden, output = [l for l in affected if l < m], [l for l in affected if l == m]  # noqa: E741
        scopes = [("output", output, layer_name(m, m)), ("hidden", hidden, _hidden_name(m))]
        if hidden and output:
            scopes.insert(0 if name in ("of-z", "of-a") else 2, ("every", affected, "every layer"))
        for scope, layers, where in scopes:
            if not layers:
                continue
            first = activations[layers[-1] - 1]
            loss_note = CROSS_ENTROPY if name == "none" and output == layers and first == "sigmoid" else ""
            yield Mistake(
                f"slope-{name}-{scope}",
                title.format(f=SYMBOL[first], where=where),
                sentence.format(
                    f=SYMBOL[first], more=loss_note, slope=SLOPE_FORMULAS[first].format(layers[-1])
                ),
                ",  ".join(delta_equation(l, activations) for l in reversed(layers)),
                {"slope": _at(layers, lambda at, forms=forms: forms[at.activation](at), Steps.slope)},
            )


def _hidden_name(m: int) -> str:
    return "the hidden layer" if m == 2 else "the hidden layers"


def _way_back(m: int, activations: Sequence[str]) -> Iterator[Mistake]:
    if m == 1:
        return
    equation = ",  ".join(delta_equation(l, activations) for l in range(m - 1, 0, -1))  # noqa: E741
    last = f"W{m}" if m == 2 else "W of the layer above"

    def mistake(name: str, title: str, sentence: str, back: Callable) -> Mistake:
        return Mistake(f"back-{name}", title, sentence, equation, {"back": back}, proportional=name != "updated-first")

    yield mistake(
        "updated-first",
        f"{last} is updated before it is used to pass the error back",
        f"The hidden delta needs {last} as it was in the forward pass. Compute all deltas first, then update.",
        lambda at, delta, cotangent, dW: delta @ (at.W - at.rate * dW).T,
    )
    yield mistake(
        "without-weights",
        f"{last} is left out when the error is passed back",
        f"A hidden unit answers for the output's error in proportion to the weight that connects them: {last}.",
        lambda at, delta, cotangent, dW: delta.sum(axis=1, keepdims=True) * np.ones((1, at.W.shape[0])),
    )
    yield mistake(
        "without-slope",
        f"the raw error is passed back instead of δ{m}" if m == 2 else "the raw cotangent is passed back instead of δ",
        f"What goes back through {last} is δ, the error *times the slope* of the layer above, not the error itself.",
        lambda at, delta, cotangent, dW: cotangent @ at.W.T,
    )
    yield mistake(
        "reshaped-weights",
        f"{last} is reshaped, not transposed, when the error is passed back",
        "reshape keeps the numbers in their order and cuts the rows anew; transposing swaps rows and columns.",
        lambda at, delta, cotangent, dW: delta @ at.W.reshape(*at.W.shape[::-1]),
    )
    yield mistake(
        "untransposed-weights",
        f"{last} is not transposed when the error is passed back",
        f"The forward pass multiplies by {last}, the backward pass by its transpose; with a square matrix "
        "(or one shape equal to another) NumPy does not complain.",
        lambda at, delta, cotangent, dW: delta @ at.W,
    )
    yield mistake(
        "elementwise-weights",
        f"the error is multiplied by {last} element by element instead of by a matrix product",
        f"δ*{last} pairs row i of the batch with hidden unit i, which only runs because there are as many rows as units.",
        lambda at, delta, cotangent, dW: delta * at.W if delta.shape == at.W.shape else _refuse(),
    )


def _refuse() -> Running:
    raise ValueError("NumPy would refuse these shapes")


def _weights(m: int) -> Iterator[Mistake]:
    def transposed(gradient: Running) -> Running:
        return gradient.T

    yield Mistake(
        "weights-transposed",
        "the gradients of the weights come out transposed",
        "A gradient has the shape of its parameter, entry for entry. Where the matrix is square nothing complains, and "
        "each weight is moved by another weight's gradient.",
        ",  ".join(weight_equation(l) for l in range(1, m + 1)),
        {"weight": lambda at, delta: transposed(Steps.weight(at, delta))},
    )
    everywhere = list(range(1, m + 1))
    for l in everywhere:  # noqa: E741
        if m > 1:
            yield Mistake(
                f"W{l}-transposed",
                f"the gradient of W{l} comes out transposed",
                "A gradient has the shape of its parameter, entry for entry; a square matrix hides the difference.",
                weight_equation(l),
                {"weight": _at([l], lambda at, delta: transposed(Steps.weight(at, delta)), Steps.weight)},
            )
        yield Mistake(
            f"W{l}-reshaped",
            f"the gradient of W{l} is reshaped where it should be transposed",
            "reshape keeps the numbers in their order and cuts the rows anew; transposing swaps rows and columns. "
            "The right numbers stand in the wrong places.",
            weight_equation(l),
            {
                "weight": _at(
                    [l],
                    lambda at, delta: (delta.T @ at.a_before).reshape(at.W.shape[0], at.W.shape[1]),
                    Steps.weight,
                )
            },
        )
        source = f"a{l - 1}" if l > 1 else "x"
        yield Mistake(
            f"W{l}-input-untransposed",
            f"{source} is not transposed in the gradient of W{l}",
            f"{source} @ δ{l} sums over the units where it should sum over the rows; it only runs because there are as "
            "many rows as units.",
            weight_equation(l),
            {"weight": _at([l], lambda at, delta: at.a_before @ delta, Steps.weight)},
        )
        if l > 1:
            yield Mistake(
                f"W{l}-from-z",
                f"the gradient of W{l} uses z{l - 1} where a{l - 1} should stand",
                f"W{l} was multiplied by a{l - 1}, the output of the activation, so that is what its gradient needs.",
                weight_equation(l),
                {"weight": _at([l], lambda at, delta: at.z_before.T @ delta, Steps.weight)},
            )
        yield Mistake(
            f"W{l}-missing",
            f"{of_layer('weights', l, m)}{' are' if m <= 2 else ' (W) are'} never updated",
            "Their gradient is zero or is never applied.",
            weight_equation(l),
            {"weight": _at([l], lambda at, delta: 0.0 * Steps.weight(at, delta), Steps.weight)},
        )


def _biases(m: int) -> Iterator[Mistake]:
    def biases(name: str, layers: Sequence[int], title: str, sentence: str, step: Callable) -> Mistake:
        which = f"b{layers[0]}" if len(layers) == 1 and m > 1 else "biases" if m > 1 else "b1"
        whose = of_layer("bias", layers[0], m) if len(layers) == 1 else "every bias"
        equation = bias_equation(layers[0]) if len(layers) == 1 else "dbℓ = sum over rows of δℓ, for every layer ℓ"
        return Mistake(
            f"{which}-{name}", title.format(whose=whose), sentence, equation, {"bias": _at(layers, step, Steps.bias)}
        )

    everywhere = list(range(1, m + 1))
    for layers in [*([l] for l in everywhere if m > 1), everywhere]:  # noqa: E741
        yield biases(
            "averaged",
            layers,
            "the gradient of {whose} is averaged over the rows where the weights' is summed",
            "The 1/N of a mean belongs into δ, once and for all tensors; the bias then takes the plain sum.",
            lambda at, delta, above: delta.sum(axis=0) * (1 / delta.shape[0]),
        )
        yield biases(
            "summed",
            layers,
            "the gradient of {whose} is summed over the rows where the weights' is averaged",
            "If the weights' gradient is divided by N, the bias's has to be divided by N as well.",
            lambda at, delta, above: delta.sum(axis=0) * float(delta.shape[0]),
        )
        yield biases(
            "scalar",
            layers,
            "the gradient of {whose} is summed over everything, to one number",
            "np.sum without an axis adds up the units as well; each unit's bias has its own gradient.",
            lambda at, delta, above: delta.sum() * np.ones(delta.shape[1]),
        )
        yield biases(
            "wrong-axis",
            layers,
            "the gradient of {whose} is summed along the wrong axis",
            "It adds up the units of each row where it should add up the rows of each unit; that only runs because "
            "there are as many rows as units.",
            lambda at, delta, above: delta.sum(axis=1),
        )
        yield biases(
            "last-row",
            layers,
            "the gradient of {whose} takes one row instead of the sum over the rows",
            "Every row of the batch pulls at the bias.",
            lambda at, delta, above: delta[-1],
        )
    for l in everywhere[:-1]:  # noqa: E741
        yield biases(
            "from-above",
            [l],
            "the gradient of {whose} is taken from the layer above",
            f"It uses δ{l + 1}; each bias answers for the delta of its own layer.",
            lambda at, delta, above: above.sum(axis=0) * np.ones(delta.shape[1]),
        )


def _rows() -> Iterator[Mistake]:
    yield Mistake(
        "last-row-only",
        "only the last row of the batch is used",
        "Each row's gradient overwrites the one before it; they have to be added up (dW += …, not dW = …).",
        "dWℓ = Σ over rows i of aℓ₋₁ᵢᵀ δℓᵢ",
        {"rows": lambda x, y: (x[-1:], y[-1:])},
    )
    yield Mistake(
        "first-row-only",
        "only the first row of the batch is used",
        "The loop over the rows ends after the first one (a return inside the loop?).",
        "dWℓ = Σ over rows i of aℓ₋₁ᵢᵀ δℓᵢ",
        {"rows": lambda x, y: (x[:1], y[:1])},
    )


def _errors(m: int) -> Iterator[Mistake]:
    right = f"e = a{m} − y"
    yield Mistake(
        "flat-target",
        "the target's shape (N,) is broadcast against predictions of shape (N, 1)",
        "a − y then is an (N, N) table of every prediction against every target, so that each row is pulled to the "
        "*mean* of the targets.",
        f"{right} with y of shape (N, 1): y = y.reshape(-1, 1)",
        {"error": lambda a, y: a - np.full(y.shape, y.mean()) if y.shape[1] == 1 else _refuse()},
    )
    yield Mistake(
        "flat-target-table",
        "the target's shape (N,) is broadcast against predictions of shape (N, 1)",
        "a − y then is an (N, N) table of every prediction against every target.",
        f"{right} with y of shape (N, 1): y = y.reshape(-1, 1)",
        {"error": lambda a, y: a - y.reshape(1, -1) if y.shape[1] == 1 else _refuse()},
    )
    yield Mistake(
        "absolute-error",
        "the error loses its sign",
        "|a − y| in the place of a − y: a prediction that is too small is pushed down further.",
        right,
        {"error": lambda a, y: (a - y).absolute()},
    )
    yield Mistake(
        "squared-error",
        "the loss itself is passed back where its derivative belongs",
        "The derivative of (a − y)² is 2(a − y), not (a − y)².",
        right,
        {"error": lambda a, y: (a - y) * (a - y)},
    )
    yield Mistake(
        "swapped-target",
        "the target is left out of the error",
        "a in the place of a − y: the network learns to answer 0.",
        right,
        {"error": lambda a, y: a},
    )


def _scales() -> Iterator[Mistake]:
    def scaled(name: str, title: str, sentence: str, equation: str, scale: Callable[[float, int], float]) -> Mistake:
        return Mistake(
            name,
            title,
            sentence,
            equation,
            {
                "finish": lambda found, rate, rows: {
                    tensor: g * scale(rate, rows) for tensor, g in found.items()
                }
            },
        )

    yield scaled(
        "rate-folded-in",
        "the learning rate is folded into the gradient",
        "A gradient does not depend on the learning rate; multiply by it in the update, once.",
        "dW = ∂L/∂W, and the update W ← W − rate·dW",
        lambda rate, rows: rate,
    )
    yield scaled(
        "averaged-twice",
        "every gradient is divided by the number of rows twice",
        "The mean is already in δ (or in the loss's derivative); do not divide by N again.",
        "1/N once: in δ, or in every dW and db, not in both",
        lambda rate, rows: 1 / rows,
    )
    yield scaled(
        "rows-twice",
        "every gradient is multiplied by the number of rows once too often",
        "The sum over the rows is in the matrix product already.",
        "dW = aᵀ δ, which sums over the rows",
        lambda rate, rows: float(rows),
    )


def _lone_signs(m: int) -> Iterator[Mistake]:
    for l in range(1, m + 1) if m > 1 else ():  # noqa: E741
        yield Mistake(
            f"layer-{l}-sign",
            f"the sign of the gradients of {layer_name(l, m)} is flipped",
            "One layer descends while this one climbs.",
            "W ← W − rate·dW in every layer",
            {"finish": lambda found, rate, rows, l=l: {n: -g if n in (f"W{l}", f"b{l}") else g for n, g in found.items()}},
        )
    if m > 1:
        yield Mistake(
            "biases-sign",
            "the sign of the biases' gradients is flipped",
            "The weights descend while the biases climb.",
            "b ← b − rate·db",
            {"finish": _every(lambda name, g: -g, only="b")},
        )
        yield Mistake(
            "weights-sign",
            "the sign of the weights' gradients is flipped",
            "The biases descend while the weights climb.",
            "W ← W − rate·dW",
            {"finish": _every(lambda name, g: -g, only="W")},
        )
