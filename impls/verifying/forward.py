"""Which network is it, and which loss has it? Seen in what the program predicts and computes, not in its gradient.

The forward pass is known where the program's predictions are those of a network with certain activations: those that
its own forward function returns, or else any array of that shape which it computes on the way. A loss is known by its
value: returned beside the gradient, returned by a loss function of the file, kept in a variable called like a loss, or
printed.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial

import numpy as np

from samegrad.impls.checking.bound import arithmetic
from samegrad.impls.parameters import Array
from samegrad.impls.verifying.conventions import CONVENTIONS, Convention
from samegrad.impls.verifying.judge import Activations, Judge, Observation

ROUNDINGS = 32.0
"""Times the bound: what is so near is right. Other formulas for the same, as exp(z)/(1 + exp(z)), round more than the
usual ones; what is planted, downcasts included, is off by a million times."""
SAME = 1e-9
"""Relative. Two formulas of one activation differ by some roundings, 1e-13; two activations by more than 1e-4."""
AT_A_GLANCE = 1e-4
"""Relative and absolute, of numbers near 1: no right prediction is so far off, not even in float32 (1e-6)."""
NEAR = 1e-6
"""Relative error up to which a number is taken for a loss: it may contain an ε in its logarithm, or be printed
short."""


def candidates(layers: int, first: Iterable[str] = (), outputs: int = 1) -> list[Activations]:
    """The activations that a network of so many layers may have, all hidden layers alike, the likeliest first.

    `first` names activations that are known to occur, in the source for example. A softmax has several outputs.
    """
    preferred = [*first]
    order = sorted(("sigmoid", "tanh", "relu", "identity"), key=lambda f: f not in preferred)
    last = sorted(("sigmoid", "identity", "tanh", "relu"), key=lambda f: f not in [*preferred, "identity"])
    if outputs > 1 and "softmax" in preferred:
        last.append("softmax")
    if layers == 1:
        return [(f,) for f in last]
    return [((hidden,) * (layers - 1)) + (f,) for hidden, f in itertools.product(order, last)]


def mixed(layers: int, outputs: int) -> Iterator[Activations]:
    """Every choice for networks whose hidden layers differ. One output of a softmax is 1 whatever comes before it."""
    hidden = itertools.product(("sigmoid", "tanh", "relu", "identity"), repeat=layers - 1)
    last = ("sigmoid", "identity", "tanh", "relu", *(["softmax"] if outputs > 1 else []))
    yield from ((*some, f) for some in hidden for f in last if len(set(some)) > 1)


def matching(
    judge: Judge, choices: Sequence[Activations], outputs: Sequence[Sequence[np.ndarray]]
) -> list[Activations]:
    """The choices that predict what the program predicts, on all probes; `outputs`: what it computed on each."""
    first = judge.observations[0]
    every = mixed(len(first.parameters), first.y.shape[1]) if len(choices) > 1 else ()
    for some in (choices, every):
        if matches := [choice for choice in some if predicts(judge, choice, outputs)]:
            return matches
    return []


def predicts(judge: Judge, choice: Activations, outputs: Sequence[Sequence[np.ndarray]]) -> bool:
    """Are the program's predictions those of a network with these activations, within some roundings?

    Where its forward function gives predictions, these; else some array that it computed, at least on every probe of
    one row, as programs that learn row by row have the last row's only.
    """
    if not _roughly(judge.observations[0], choice, outputs[0]):
        return False
    references = judge.references(choice)
    if not references:
        return False
    fits: list[bool] = []
    for o, r, computed in zip(judge.observations, references, outputs, strict=True):
        own = [o.predictions] if o.predictions is not None else computed
        bound = ROUNDINGS * r.predictions_bound
        fits.append(any(a.shape == bound.shape and bool(np.all(abs(a - r.predictions) <= bound)) for a in own))
    single = [i for i, o in enumerate(judge.observations) if o.predictions is not None or len(o.x) == 1]
    alive = any(np.any(references[i].predictions) for i in single)
    telling = single if alive else range(len(fits))
    varies = np.ptp(np.concatenate([r.predictions.ravel() for r in references]))
    return bool(varies) and all(fits[i] for i in telling)  # one number everywhere, as from dead units, shows nothing


FUNCTIONS: dict[str, Callable[[Array], Array]] = {
    "sigmoid": lambda z: 1 / (1 + np.exp(-z)),
    "tanh": np.tanh,
    "relu": lambda z: np.maximum(z, 0),
    "identity": lambda z: z,
    "softmax": lambda z: np.exp(z - np.logaddexp.reduce(z, axis=1, keepdims=True)),
}
OTHERS: dict[str, Callable[[Array], Array]] = {
    **{
        f"leaky ReLU ({slope:g} below zero)": partial(lambda slope, z: np.maximum(z, slope * z), slope)
        for slope in (0.01, 0.1, 0.2, 0.3)
    },
    "ELU": lambda z: np.where(z > 0, z, np.expm1(np.minimum(z, 0))),
    "softplus": lambda z: np.logaddexp(0, z),
    "GELU": lambda z: 0.5 * z * (1 + np.vectorize(math.erf)(z / np.sqrt(2))),
    "GELU (by tanh)": lambda z: 0.5 * z * (1 + np.tanh(np.sqrt(2 / np.pi) * (z + 0.044715 * z**3))),
    "swish": lambda z: z / (1 + np.exp(-z)),
}
"""Activations that no oracle is there for: they are only named."""


def unusual(judge: Judge) -> tuple[str, ...]:
    """The layers' activations where the hidden ones are alike and one of `OTHERS` occurs; () where none fits."""
    layers = len(judge.observations[0].parameters)
    every = {**FUNCTIONS, **OTHERS}
    for choice in itertools.product(every, repeat=min(layers, 2)):
        names = (*choice[:1] * (layers - 1), choice[-1])
        if set(names) & set(OTHERS) and all(_same(o, names, every) for o in judge.observations):
            return names
    return ()


def _same(o: Observation, names: Activations, functions: Mapping[str, Callable[[Array], Array]]) -> bool:
    a = _predicted(o, [functions[name] for name in names])
    return o.predictions is not None and o.predictions.shape == a.shape and np.allclose(o.predictions, a, rtol=SAME)


def _predicted(o: Observation, functions: Sequence[Callable[[Array], Array]]) -> Array:
    a = o.x
    with np.errstate(over="ignore"):
        for (W, b), f in zip(o.parameters, functions, strict=True):
            a = f(a @ W + b)
    return a


def _roughly(o: Observation, choice: Activations, outputs: Sequence[np.ndarray]) -> bool:
    """A cheap look before the exact one: are the predictions of the first probe alike at a glance?"""
    own = [o.predictions] if o.predictions is not None else outputs
    a = _predicted(o, [FUNCTIONS[f] for f in choice])
    if len(o.x) > 1 and o.predictions is None:
        return True  # row by row, only the last row's are seen
    return any(p.shape == a.shape and np.allclose(p, a, rtol=AT_A_GLANCE, atol=AT_A_GLANCE) for p in own)


def recognise(
    judge: Judge, choices: Sequence[Activations], losses: Sequence[float], near: float = 0.0
) -> tuple[list[Activations], list[Convention]] | None:
    """The activations and conventions under which the network has these losses on all probes.

    Within the bound of a right computation, or within `near` relatively where that is more.
    """
    near += 4 * arithmetic(judge.dtype).u  # the convention's constant, multiplied in: a few roundings more

    def fits(choice: Activations, convention: Convention) -> bool:
        references = judge.references(choice, convention.loss) if convention.suits(choice) else None
        return references is not None and all(
            abs(value / convention.factor(*o.y.shape) - r.loss) <= r.loss_bound + near * abs(r.loss)
            for o, r, value in zip(judge.observations, references, losses, strict=True)
        )

    for choice in choices:
        if fitting := [convention for convention in CONVENTIONS if fits(choice, convention)]:
            return [choice], fitting
    return None


def _named_losses(
    judge: Judge, choices: Sequence[Activations], numbers: Sequence[dict[str, float]]
) -> Iterator[tuple[str, list[Activations], list[Convention]]]:
    """The names of numbers that are a loss of the network on every probe, with what `recognise` says of each."""
    for name in dict.fromkeys(name for some in numbers for name in some):
        is_one = all(some.get(name) for some in numbers)
        if is_one and (recognised := recognise(judge, choices, [some[name] for some in numbers], NEAR)):
            yield name, *recognised


def loss_families(judge: Judge, choices: Sequence[Activations], numbers: Sequence[dict[str, float]]) -> dict[str, str]:
    """The losses that the program is seen to compute: loss → the name under which it has it.

    A name counts where its number is a loss of the network on every probe of one row, or on all where there is none.
    """
    single = [i for i, o in enumerate(judge.observations) if len(o.x) == 1] or [*range(len(judge.observations))]
    part = Judge([judge.observations[i] for i in single], judge.dtype)
    name_of: dict[str, str] = {}
    for name, _, conventions in _named_losses(part, choices, [numbers[i] for i in single]):
        for convention in conventions:
            name_of.setdefault(convention.loss, name)
    return name_of


def punished(judge: Judge, choice: Activations, convention: Convention, numbers: Sequence[dict[str, float]]) -> str:
    """The loss function of the program that is this loss and λ times the weights' squares, all or but the first row's.

    "" where there is none. λ may be divided by the number of rows.
    """
    references = judge.references(choice, convention.loss) or []
    for name in (n for n in numbers[0] if n.endswith("()") and all(n in some for some in numbers)):
        for first in (0, 1):
            coefficients = []
            for o, r, some in zip(judge.observations, references, numbers, strict=False):
                squares = sum(float(np.sum(W[first:] ** 2)) for W, _ in o.parameters)
                rest = some[name] - r.loss * convention.factor(*o.y.shape)
                coefficients.append([rest / squares, rest / squares * len(o.x)] if squares else [0.0, 0.0])
            for size in zip(*coefficients, strict=True):
                if min(size) > NEAR and max(size) - min(size) <= NEAR * max(size):
                    return name
    return ""


def shown_by_loss(
    judge: Judge, choices: Sequence[Activations], numbers: Sequence[dict[str, float]]
) -> list[Activations]:
    """The activations under which a number that the program computes is a loss on every probe; none where none is."""
    return next((fitting for _, fitting, _ in _named_losses(judge, choices, numbers)), [])
