"""The derivative of a loss that is only known as a program: the user's own, or a known one of their forward pass."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from samegrad.impls.errors import BadInput
from samegrad.impls.parameters import Array, tensors
from samegrad.impls.problem import BINARY_CROSS_ENTROPY, CROSS_ENTROPY, SQUARED
from samegrad.impls.verifying.differences import derivative, richardson
from samegrad.impls.verifying.target import results
from samegrad.impls.verifying.target.calls import Unreadable, call
from samegrad.impls.verifying.target.forward_pass import after_forward
from samegrad.impls.verifying.target.observe import Observed, ObservedWay
from samegrad.impls.verifying.target.reading import read
from samegrad.impls.verifying.target.ways import Way

RETURNED = "returned"
OF_PREDICTIONS: dict[str, Callable[[Any, Array], Any]] = {
    SQUARED: lambda a, y: np.mean((a - y) ** 2),
    BINARY_CROSS_ENTROPY: lambda a, y: -np.mean(y * np.log(a) + (1 - y) * np.log(1 - a)),
    CROSS_ENTROPY: lambda a, y: -np.mean(y * np.log(a)),
}
"""Losses by name, of predictions and targets (batch, outputs), as means over all elements."""


def differentiate(group: ObservedWay, which: str, given: tuple[Callable, Path] | None = None) -> list[dict[str, Any]]:
    """At each probe, the value of a loss and its gradient with a bound.

    `which` is RETURNED, one of OF_PREDICTIONS, the name of a loss function of the file as "cost()", or, with `given`,
    the function that the user names. Raises UserError, Unreadable and BadInput where the loss cannot be evaluated.
    """
    answers = []
    for observed in group.observed:
        values = tensors(observed.parameters)
        like = {slot.tensor: values[slot.tensor] for slot in group.way.form.slots}
        theta = np.concatenate([value.ravel() for value in like.values()])
        loss = _loss(group.way, observed, like, which, given)
        value = float(np.real(loss(theta)))
        estimate = richardson(loss, theta) if which == RETURNED else derivative(loss, theta)
        gradients, bounds = _split(estimate.gradient, like), _split(estimate.bound, like)
        answers.append({"loss": value, "gradients": gradients, "bounds": bounds, "method": estimate.method})
    return answers


def _split(theta: Array, like: dict[str, Array]) -> dict[str, Array]:
    """The tensors that follow each other in a vector, with the names and shapes of `like`."""
    pieces = np.split(theta, np.cumsum([value.size for value in like.values()])[:-1])
    return {name: piece.reshape(like[name].shape) for name, piece in zip(like, pieces, strict=True)}


def _loss(
    way: Way, observed: Observed, like: dict[str, Array], which: str, given: tuple[Callable, Path] | None
) -> Callable[[Array], Any]:
    """θ → loss at the probe; θ has the tensors of `like`."""
    whole: set[str] = set()

    def of_theta(theta: Array) -> Any:
        values = _split(theta, like)
        if which == RETURNED:
            value = read(way, results.layers_of(values), observed.x, observed.y, evidence=False).loss
            return np.nan if value is None else value
        arrays = {slot.tensor: slot.encode(values[slot.tensor]) for slot in way.form.slots}
        if given is not None:
            return _call_given(way, arrays, observed, *given, whole)
        instance, known, predictions = after_forward(way, arrays, observed.x, observed.y, whole=whole)
        if which in OF_PREDICTIONS:
            if predictions is None:
                raise Unreadable("its forward function gives no predictions")
            return OF_PREDICTIONS[which](predictions, observed.y)
        known.left = ("output", "y")
        return _scalar(call(instance.functions[which.removesuffix("()")], known, way.subject.path)[0], which)

    return of_theta


def _call_given(
    way: Way, arrays: dict[str, Array], observed: Observed, function: Callable, path: Path, whole: set[str]
) -> Any:
    """The user's own loss, of parameters and data, or of predictions and targets."""
    name = function.__name__
    instance, known, _ = after_forward(way, arrays, observed.x, observed.y, whole=whole)
    mine = instance.functions.get(name, function)
    mine = mine if getattr(mine, "__func__", mine) is function else function
    known.arguments = {**arrays, **known.arguments}
    known.left = ("output", "y")
    try:
        value, _ = call(mine, known, path)
    except Unreadable as error:
        raise BadInput(
            f"--loss {name}: {error}; it should take the parameters, x and y, or predictions and targets, for which "
            "the target's file needs a forward function"
        ) from None
    return _scalar(value, name)


def _scalar(value: Any, name: str) -> Any:
    if isinstance(value, tuple):
        value = value[0]
    if hasattr(value, "detach"):
        value = value.detach().cpu().numpy()
    value = np.asarray(value)
    if value.size != 1:
        raise BadInput(f"the loss {name} should return one number, found shape {value.shape}")
    return value.reshape(())[()]
