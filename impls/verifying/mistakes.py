"""The bank of mistakes: the name of each, a sentence for a student, the equation that should stand there, its step."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from impls.verifying.mutants import Mistake, Steps, at_layers
from impls.verifying.running import Running
from impls.verifying.slopes import slopes_of
from impls.verifying.wording import bias_equation, delta_equation, layer_name, of_layer, weight_equation


def bank(activations: Sequence[str]) -> list[Mistake]:
    """Every single mistake that a network of these layers can have, the more usual first."""
    return [*_order(activations)]


def _order(activations: Sequence[str]) -> Iterator[Mistake]:
    m = len(activations)
    yield _sign()
    yield from _missing_biases(m)
    yield from slopes_of(activations)
    yield from _ignored_biases(m)
    yield from _way_back(m, activations)
    yield from _weights(m)
    yield from _biases(m)
    yield from _rows()
    yield from _errors(m)
    yield from _scales()
    yield from _tensor_scales(m)
    yield from _lone_signs(m)


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
        return {"bias": at_layers(layers, lambda at, delta, above: 0.0 * delta.sum(axis=0), Steps.bias)}

    for ell in range(1, m + 1):
        yield Mistake(
            f"b{ell}-missing",
            f"{of_layer('bias', ell, m)} is never updated",
            f"{of_layer('bias', ell, m).capitalize()} has a gradient like every other parameter; without it the bias "
            "keeps its first value for ever.",
            bias_equation(ell),
            without([ell]),
        )
    if m > 1:
        yield Mistake(
            "biases-missing",
            "no bias is ever updated",
            "Every bias has a gradient like every other parameter; without it the biases keep their first values.",
            "dbℓ = sum over rows of δℓ, for every layer ℓ",
            without(range(1, m + 1)),
        )


def _ignored_biases(m: int) -> Iterator[Mistake]:
    for ell in range(1, m + 1):
        yield Mistake(
            f"b{ell}-ignored",
            f"{of_layer('bias', ell, m)} is left out of the prediction that is trained",
            "The error must come from the network's own prediction, bias and all. While the bias is still zero the "
            "difference cannot be seen: it shows from the second step on.",
            f"z{ell} = {f'a{ell - 1}' if ell > 1 else 'x'} W{ell} + b{ell}",
            {"sum": lambda at, before, W, b, ell=ell: before @ W if at == ell else before @ W + b},
        )


def _way_back(m: int, activations: Sequence[str]) -> Iterator[Mistake]:
    if m == 1:
        return
    equation = ",  ".join(delta_equation(ell, activations) for ell in range(m - 1, 0, -1))
    last = f"W{m}" if m == 2 else "W of the layer above"

    def mistake(name: str, title: str, sentence: str, back: Callable) -> Iterator[Mistake]:
        free = name != "updated-first"
        yield Mistake(f"back-{name}", title, sentence, equation, {"back": back}, proportional=free)
        for ell in range(1, m) if m > 2 else ():
            yield Mistake(
                f"back-{name}-{ell}",
                title.replace(last, f"W{ell + 1}"),
                sentence.replace(last, f"W{ell + 1}"),
                delta_equation(ell, activations),
                {"back": at_layers([ell + 1], back, Steps.back)},
                proportional=free,
            )

    yield from mistake(
        "updated-first",
        f"{last} is updated before it is used to pass the error back",
        f"The hidden delta needs {last} as it was in the forward pass. Compute all deltas first, then update.",
        lambda at, delta, cotangent, dW: delta @ (at.W - at.rate * dW).T,
    )
    yield from mistake(
        "without-weights",
        f"{last} is left out when the error is passed back",
        f"A hidden unit answers for the output's error in proportion to the weight that connects them: {last}.",
        lambda at, delta, cotangent, dW: delta.sum(axis=1, keepdims=True) * np.ones((1, at.W.shape[0])),
    )
    yield from mistake(
        "without-slope",
        f"the raw error is passed back instead of δ{m}" if m == 2 else "the raw cotangent is passed back instead of δ",
        f"What goes back through {last} is δ, the error *times the slope* of the layer above, not the error itself.",
        lambda at, delta, cotangent, dW: cotangent @ at.W.T,
    )
    yield from mistake(
        "reshaped-weights",
        f"{last} is reshaped, not transposed, when the error is passed back",
        "reshape keeps the numbers in their order and cuts the rows anew; transposing swaps rows and columns.",
        lambda at, delta, cotangent, dW: delta @ at.W.reshape(*at.W.shape[::-1]),
    )
    yield from mistake(
        "untransposed-weights",
        f"{last} is not transposed when the error is passed back",
        f"The forward pass multiplies by {last}, the backward pass by its transpose; with a square matrix "
        "(or one shape equal to another) NumPy does not complain.",
        lambda at, delta, cotangent, dW: delta @ at.W,
    )
    yield from mistake(
        "elementwise-weights",
        f"the error is multiplied by {last} element by element instead of by a matrix product",
        f"δ*{last} pairs row i of the batch with hidden unit i, which only runs because there are as "
        "many rows as units.",
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
        ",  ".join(weight_equation(ell) for ell in range(1, m + 1)),
        {"weight": lambda at, delta: transposed(Steps.weight(at, delta))},
    )
    everywhere = list(range(1, m + 1))
    for ell in everywhere:
        if m > 1:
            yield Mistake(
                f"W{ell}-transposed",
                f"the gradient of W{ell} comes out transposed",
                "A gradient has the shape of its parameter, entry for entry; a square matrix hides the difference.",
                weight_equation(ell),
                {"weight": at_layers([ell], lambda at, delta: transposed(Steps.weight(at, delta)), Steps.weight)},
            )
        yield Mistake(
            f"W{ell}-reshaped",
            f"the gradient of W{ell} is reshaped where it should be transposed",
            "reshape keeps the numbers in their order and cuts the rows anew; transposing swaps rows and columns. "
            "The right numbers stand in the wrong places.",
            weight_equation(ell),
            {
                "weight": at_layers(
                    [ell],
                    lambda at, delta: (delta.T @ at.a_before).reshape(at.W.shape[0], at.W.shape[1]),
                    Steps.weight,
                )
            },
        )
        source = f"a{ell - 1}" if ell > 1 else "x"
        yield Mistake(
            f"W{ell}-input-untransposed",
            f"{source} is not transposed in the gradient of W{ell}",
            f"{source} @ δ{ell} sums over the units where it should sum over the rows; it only runs because there are "
            "as many rows as units.",
            weight_equation(ell),
            {"weight": at_layers([ell], lambda at, delta: at.a_before @ delta, Steps.weight)},
        )
        if ell > 1:
            yield Mistake(
                f"W{ell}-from-z",
                f"the gradient of W{ell} uses z{ell - 1} where a{ell - 1} should stand",
                f"W{ell} was multiplied by a{ell - 1}, the output of the activation: that is what its gradient needs.",
                weight_equation(ell),
                {"weight": at_layers([ell], lambda at, delta: at.z_before.T @ delta, Steps.weight)},
            )
        yield Mistake(
            f"W{ell}-missing",
            f"{of_layer('weights', ell, m)}{' are' if m <= 2 else ' (W) are'} never updated",
            "Their gradient is zero or is never applied.",
            weight_equation(ell),
            {"weight": at_layers([ell], lambda at, delta: 0.0 * Steps.weight(at, delta), Steps.weight)},
        )


def _biases(m: int) -> Iterator[Mistake]:
    def biases(name: str, layers: Sequence[int], title: str, sentence: str, step: Callable) -> Mistake:
        which = f"b{layers[0]}" if len(layers) == 1 and m > 1 else "biases" if m > 1 else "b1"
        whose = of_layer("bias", layers[0], m) if len(layers) == 1 else "every bias"
        equation = bias_equation(layers[0]) if len(layers) == 1 else "dbℓ = sum over rows of δℓ, for every layer ℓ"
        return Mistake(
            f"{which}-{name}",
            title.format(whose=whose),
            sentence,
            equation,
            {"bias": at_layers(layers, step, Steps.bias)},
        )

    everywhere = list(range(1, m + 1))
    for layers in [*([ell] for ell in everywhere if m > 1), everywhere]:
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
            "halved",
            layers,
            "the gradient of {whose} has half the weights' constant",
            "The 2 of the derivative (or the ½ of the loss) belongs into δ, once and for all tensors.",
            lambda at, delta, above: delta.sum(axis=0) * 0.5,
        )
        yield biases(
            "doubled",
            layers,
            "the gradient of {whose} has twice the weights' constant",
            "The 2 of the derivative (or the ½ of the loss) belongs into δ, once and for all tensors.",
            lambda at, delta, above: delta.sum(axis=0) * 2.0,
        )
        yield biases(
            "last-row",
            layers,
            "the gradient of {whose} takes one row instead of the sum over the rows",
            "Every row of the batch pulls at the bias.",
            lambda at, delta, above: delta[-1],
        )
    for ell in everywhere[:-1]:
        yield biases(
            "from-above",
            [ell],
            "the gradient of {whose} is taken from the layer above",
            f"It uses δ{ell + 1}; each bias answers for the delta of its own layer.",
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
        "flat-target-sum",
        "the target's shape (N,) is broadcast against predictions of shape (N, 1)",
        "a − y then is an (N, N) table of every prediction against every target, all of which are summed.",
        f"{right} with y of shape (N, 1): y = y.reshape(-1, 1)",
        {"error": lambda a, y: (a - np.full(y.shape, y.mean())) * float(len(y)) if y.shape[1] == 1 else _refuse()},
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


def _tensor_scales(m: int) -> Iterator[Mistake]:
    """One tensor, or the two of one layer, with N times or 1/N of the others' constant."""
    layers = range(1, m + 1) if m > 1 else ()
    for which in [*((f"W{ell}", f"b{ell}") for ell in layers), *((f"W{ell}",) for ell in range(1, m + 1))]:
        what = f"W{which[0][1:]}" if len(which) == 1 else layer_name(int(which[0][1:]), m)
        for name, words, power in (
            ("summed", "summed over the rows where the others' are averaged", 1.0),
            ("averaged", "averaged over the rows where the others' are summed", -1.0),
        ):
            yield Mistake(
                f"{'-'.join(which)}-{name}",
                f"the gradient{'s' * (len(which) > 1)} of {what} {'are' if len(which) > 1 else 'is'} {words}",
                "The 1/N of a mean belongs into the output's δ, once and for all tensors.",
                ",  ".join([weight_equation(int(which[0][1:]))] + [bias_equation(int(n[1:])) for n in which[1:]]),
                {
                    "finish": lambda found, rate, rows, which=which, power=power: {
                        n: g * float(rows) ** power if n in which else g for n, g in found.items()
                    }
                },
            )


def _scales() -> Iterator[Mistake]:
    def scaled(name: str, title: str, sentence: str, equation: str, scale: Callable[[float, int], float]) -> Mistake:
        return Mistake(
            name,
            title,
            sentence,
            equation,
            {"finish": lambda found, rate, rows: {tensor: g * scale(rate, rows) for tensor, g in found.items()}},
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
    for ell in range(1, m + 1) if m > 1 else ():
        yield Mistake(
            f"layer-{ell}-sign",
            f"the sign of the gradients of {layer_name(ell, m)} is flipped",
            "One layer descends while this one climbs.",
            "W ← W − rate·dW in every layer",
            {
                "finish": lambda found, rate, rows, ell=ell: {
                    n: -g if n in (f"W{ell}", f"b{ell}") else g for n, g in found.items()
                }
            },
        )
    for tensor in [f"{kind}{ell}" for ell in range(1, m + 1) for kind in "Wb"]:
        yield Mistake(
            f"{tensor}-sign",
            f"the sign of the gradient of {_whose(tensor, m)} is flipped",
            "One parameter climbs while the others descend.",
            f"{tensor} ← {tensor} − rate·d{tensor}",
            {"finish": _every(lambda name, g: -g, only=tensor)},
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


def _whose(tensor: str, m: int) -> str:
    """ "the output bias" for b2 of two layers."""
    return of_layer("bias" if tensor[0] == "b" else "weights", int(tensor[1:]), m)
