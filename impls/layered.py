"""Networks named by their layers: `8-64-64-2`, `784-128-10:relu`, `4-32-1:tanh-identity`.

The numbers are units, from the inputs to the outputs. After the colon come activations: one, of all hidden layers (of
the output where nothing is hidden); two, of all hidden layers and of the output; or one for each layer. What is not
named is a sigmoid, as in `xor`. A name is all that another process, or a later one, needs to build the same network.

Its rows are drawn from the seed, inputs uniform in [−1, 1) and targets in [0, 1); a batch is a prefix of any larger
one. There is nothing to be learned in them: what a call costs does not depend on it. The initial weights are divided by
the square root of the layer's inputs, so that a wide layer's units are no more saturated than a narrow one's (LeCun,
Bottou, Orr and Müller, "Efficient BackProp", 1998, §4.6).
"""

from __future__ import annotations

from functools import cache
from itertools import pairwise

import numpy as np

from samegrad.impls.errors import BadInput, choose
from samegrad.impls.parameters import Array

WIDEST, MOST_LAYERS, MOST_PARAMETERS = 4096, 10, 2**21
DEFAULT = "sigmoid"
ALLOWED = (
    f"a network is named by its units from inputs to outputs, 1 to {WIDEST} each, {MOST_LAYERS} layers and "
    f"{MOST_PARAMETERS:,} parameters at most, such as 8-64-64-2 or 784-128-10:relu"
)


def is_layered(name: str) -> bool:
    """Whether a name is meant as one of these: it begins with a digit, as no other problem does."""
    return name[:1].isdecimal()


@cache
def parsed(name: str, allowed: tuple[str, ...]) -> tuple[str, tuple[int, ...], tuple[str, ...]]:
    """The shortest name of that network, its layer sizes and its activations, which are of those `allowed`.

    Raises BadInput where it cannot be built.
    """
    layers, colon, functions = name.partition(":")
    sizes = _sizes(name, layers.split("-"))
    activations = _activations(name, functions.split("-") if colon else [], len(sizes) - 1, allowed)
    return _name(sizes, activations), sizes, activations


def rows(sizes: tuple[int, ...], batch: int, seed: int) -> tuple[Array, Array]:
    """The rows of a seed, x: (batch, inputs) and y: (batch, outputs)."""
    drawn = np.random.default_rng(seed).random((batch, sizes[0] + sizes[-1]))
    return 2 * drawn[:, : sizes[0]] - 1, drawn[:, sizes[0] :]


def _sizes(name: str, numbers: list[str]) -> tuple[int, ...]:
    for number in numbers:
        if not (number.isascii() and number.isdecimal() and 1 <= int(number[:9]) <= WIDEST and len(number) < 9):
            raise BadInput(f"problem {name!r}: {number!r} is not a number of units; {ALLOWED}")
    sizes = tuple(map(int, numbers))
    if not 2 <= len(sizes) <= MOST_LAYERS + 1:
        raise BadInput(f"problem {name!r}: it has {len(sizes) - 1} layers of weights; {ALLOWED}")
    if (count := sum((fan_in + 1) * fan_out for fan_in, fan_out in pairwise(sizes))) > MOST_PARAMETERS:
        raise BadInput(f"problem {name!r}: it has {count:,} parameters; {ALLOWED}")
    return sizes


def _activations(name: str, functions: list[str], layers: int, allowed: tuple[str, ...]) -> tuple[str, ...]:
    for function in functions:
        choose(f"activation in the problem {name!r}:", function, allowed)
    if len(functions) == layers:
        return tuple(functions)
    if len(functions) > min(2, layers):
        raise BadInput(
            f"problem {name!r}: {len(functions)} activations for {layers} layers; name one for the hidden layers, two "
            "for the hidden layers and the output, or one for each layer"
        )
    hidden, output = [*functions, DEFAULT, DEFAULT][:2] if len(functions) != 1 else (functions[0], DEFAULT)
    return (hidden,) * (layers - 1) + (output,)


def _name(sizes: tuple[int, ...], activations: tuple[str, ...]) -> str:
    """The shortest name that gives these."""
    *hidden, output = activations
    if len(set(hidden)) > 1:
        functions = list(activations)
    elif not hidden:
        functions = [output] if output != DEFAULT else []
    elif output != DEFAULT:
        functions = [hidden[0], output]
    else:
        functions = [hidden[0]] if hidden[0] != DEFAULT else []
    return "-".join(map(str, sizes)) + (":" if functions else "") + "-".join(functions)
