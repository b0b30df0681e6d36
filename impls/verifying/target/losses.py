"""The derivative of a loss that is only known as a program: the user's own, or a known one of their forward pass."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from samegrad.impls.errors import BadInput
from samegrad.impls.parameters import Array, Layer, Parameters, tensors
from samegrad.impls.problem import BINARY_CROSS_ENTROPY, CROSS_ENTROPY, SQUARED
from samegrad.impls.verifying.differences import Derivative, derivative, richardson
from samegrad.impls.verifying.target import names, source
from samegrad.impls.verifying.target.calls import Known, Unreadable, call, output_among
from samegrad.impls.verifying.target.observe import Group, Observed, after_forward, known_values, read
from samegrad.impls.verifying.target.subjects import Instance
from samegrad.impls.verifying.target.ways import Way

RETURNED = "returned"
OF_PREDICTIONS: dict[str, Callable[[Any, Array], Any]] = {
    SQUARED: lambda a, y: np.mean((a - y) ** 2),
    BINARY_CROSS_ENTROPY: lambda a, y: -np.mean(y * np.log(a) + (1 - y) * np.log(1 - a)),
    CROSS_ENTROPY: lambda a, y: -np.mean(y * np.log(a)),
}
"""Losses by name, of predictions and targets (batch, outputs), as means over all elements."""


def differentiate(group: Group, which: str, given: tuple[Callable, Path] | None = None) -> list[dict[str, Any]]:
    """At each probe, the value of a loss and its gradient with a bound.

    `which` is RETURNED, one of OF_PREDICTIONS, the name of a loss function of the file as "cost()", or, with `given`,
    the function that the user names. Raises UserError, Unreadable and BadInput where the loss cannot be evaluated.
    """
    answers = []
    for observed in group.observed:
        loss = _loss(group.way, observed, which, given)
        theta = _flatten(observed.parameters, group.way.form.biases)
        value = float(np.real(loss(theta)))
        found = richardson(loss, theta) if which == RETURNED else derivative(loss, theta)
        answers.append({**_by_tensor(found, observed.parameters, group.way.form.biases), "loss": value})
    return answers


def _loss(way: Way, observed: Observed, which: str, given: tuple[Callable, Path] | None) -> Callable[[Array], Any]:
    """θ → loss at the probe."""
    biases = way.form.biases

    def of_theta(theta: Array) -> Any:
        layers = _layers(theta, observed.parameters, biases)
        if which == RETURNED:
            value = read(way, layers, observed.x, observed.y).loss
            return np.nan if value is None else value
        values = tensors(layers)
        arrays = {slot.tensor: slot.encode(values[slot.tensor]) for slot in way.form.slots}
        if given is not None:
            return _call_given(way, arrays, observed, *given)
        instance, known, predictions = _forward(way, arrays, observed)
        if which in OF_PREDICTIONS:
            if predictions is None:
                raise Unreadable("its forward function gives no predictions")
            return OF_PREDICTIONS[which](predictions, observed.y)
        known.left = ("output", "y")
        return _scalar(call(instance.functions[which.removesuffix("()")], known, way.subject.path)[0], which)

    return of_theta


def _forward(way: Way, arrays: dict[str, Array], observed: Observed) -> tuple[Instance, Known, Any]:
    """After the forward pass at these arrays, which may be complex: what is known, and the predictions."""
    if not any(np.iscomplexobj(array) for array in arrays.values()):
        return after_forward(way, arrays, observed.x, observed.y)
    data = way.data.encode(observed.x, observed.y)
    instance = way.make(data, arrays, way.rate, 1)
    known = known_values(way, instance, data, observed.x, way.rate, 1)
    for name in names.methods([n for n in instance.functions if n != way.plan.main], names.FORWARD):
        try:
            result, _ = call(instance.functions[name], known, way.subject.path)
        except (source.UserError, Unreadable):
            continue
        part = _complex_output(result, way, observed)
        if part is not None:
            known.roles["output"] = part
            return (
                instance,
                known,
                np.asarray(part).reshape(observed.y.shape) if np.shape(part) == observed.y.shape else part.T,
            )
    return instance, known, None


def _complex_output(result: Any, way: Way, observed: Observed) -> Any:
    """The prediction, complex or not, among what a forward pass returned."""
    if isinstance(result, dict):
        result = tuple(result.values())
    parts = list(result) if isinstance(result, tuple | list) else [result]
    for part in reversed(parts):
        if np.size(part) == observed.y.size and way.data.predictions(np.real(part), *observed.y.shape) is not None:
            return part
    return output_among(result, way.data, observed.y)[1]


def _call_given(way: Way, arrays: dict[str, Array], observed: Observed, function: Callable, path: Path) -> Any:
    """The user's own loss, of parameters and data, or of predictions and targets."""
    name = function.__name__
    instance, known, _ = _forward(way, arrays, observed)
    mine = instance.functions.get(name, function)
    mine = mine if getattr(mine, "__func__", mine) is function else function
    known.held = {**arrays, **known.held}
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


def _flatten(parameters: Parameters, biases: list[bool]) -> Array:
    parts: list[Array] = []
    for (W, b), has in zip(parameters, biases, strict=True):
        parts += [W.ravel(), b] if has else [W.ravel()]
    return np.concatenate(parts)


def _layers(theta: Array, like: Parameters, biases: list[bool]) -> Parameters:
    layers, start = [], 0
    for (W, b), has in zip(like, biases, strict=True):
        weights = theta[start : start + W.size].reshape(W.shape)
        start += W.size
        bias = theta[start : start + b.size] if has else np.zeros_like(b)
        start += b.size if has else 0
        layers.append(Layer(weights, bias))
    return layers


def _by_tensor(found: Derivative, like: Parameters, biases: list[bool]) -> dict[str, Any]:
    def named(theta: Array) -> dict[str, Array]:
        every = tensors(_layers(theta, like, biases))
        return {n: v for n, v in every.items() if n[0] == "W" or biases[int(n[1:]) - 1]}

    return {"gradients": named(found.gradient), "bounds": named(found.bound), "method": found.method}
