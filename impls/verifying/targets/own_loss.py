"""The user's own loss: given by `--loss file.py:loss`, or returned beside the gradient; differentiated as a program."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from impls.errors import BadInput
from impls.parameters import Array, Layer, Parameters, tensors
from impls.verifying import probe
from impls.verifying.differences import Derivative, derivative, richardson
from impls.verifying.targets import names, source
from impls.verifying.targets.functions import FunctionTarget
from impls.verifying.targets.layouts import DataLayout, Slot
from impls.verifying.targets.methods import Methods
from impls.verifying.targets.observe import Group, Observed, observe
from impls.verifying.targets.reading import Reading, Unreadable, output_among
from impls.verifying.targets.signature import build, read_signature


def of_returned(target: Any, group: Group, flat: bool) -> dict[str, Any] | None:
    """The derivative of the loss that the target returns, at the first probe; None where it returns none."""
    first = group.observed[0]
    if first.reading.loss is None or not isinstance(target, FunctionTarget) or group.repeat:
        return None
    layout = DataLayout(group.layout, single="one" in group.layout or "single" in group.layout)
    form = _form(target, group, layout)

    def loss(theta: Array) -> float:
        reading = target.observe(
            form, layout, _layers(theta, first.parameters, target.biases), first.x, first.y, probe.RATE
        )
        return np.nan if reading.loss is None else reading.loss

    theta = _flatten(first.parameters, target.biases)
    try:
        found = richardson(loss, theta)
    except (source.UserError, Unreadable):
        return None
    return _by_tensor(found, first.parameters, target.biases)


def check(target: Any, loss_path: Path, loss_name: str, path: Path, name: str, flat: bool) -> dict[str, Any]:
    """Observations of the target, each with the derivative of the user's loss beside it."""
    module = target.module if loss_path.resolve() == path.resolve() else source.load(loss_path)
    function, _ = source.find(module, loss_name, loss_path)
    groups = observe(target, flat)
    group = groups[0]
    layout = DataLayout(group.layout, single="one" in group.layout or "single" in group.layout)
    form = _form(target, group, layout)
    answers = []
    for observed in group.observed:
        loss = as_function_of_parameters(function, module, loss_path, target, form, layout, observed)
        theta = _flatten(observed.parameters, target.biases)
        value = float(np.real(loss(theta)))
        answers.append({**_by_tensor(derivative(loss, theta), observed.parameters, target.biases), "loss": value})
    text = path.read_text(encoding="utf-8", errors="replace")
    return {
        "name": name,
        "groups": [group.answer()],
        "names": target.names,
        "layers": target.layers,
        "activations": source.activations(text),
        "literals": source.literals(text),
        "own": {},
        "losses": answers,
    }


def as_function_of_parameters(
    function: Callable, module: ModuleType, path: Path, target: Any, form: Any, layout: DataLayout, observed: Observed
) -> Callable[[Array], Any]:
    """θ → loss, for a loss of (parameters, x, y) in the target's layout, or of (predictions, y) after forward."""
    spec = read_signature(function, module, None)
    x, y = layout.encode(observed.x, observed.y)

    def slots() -> list[Slot]:
        if isinstance(target, FunctionTarget):
            return form
        sizes = (observed.x.shape[1], *(len(layer.b) for layer in observed.parameters))
        return target.slots(target.make(sizes, (x, y)), form)

    places = slots()
    arguments = [p.name for p in inspect.signature(function).parameters.values()]

    def encoded(theta: Array) -> dict[str, Array]:
        values = tensors(_layers(theta, observed.parameters, target.biases))
        return {slot.tensor: slot.encode(values[slot.tensor]) for slot in places}

    if spec.layers:

        def loss(theta: Array) -> Any:
            arrays = encoded(theta)
            call: dict[str, Any] = {a: build(t[0], arrays) for a, t in spec.templates.items()}
            for argument, role in spec.roles.items():
                if role in arrays or role in ("x", "y"):
                    call[argument] = {"x": x, "y": y, **arrays}[role]
            with source.own_errors(path):
                return _scalar(function(**call), loss_name=function.__name__)

        return loss

    if len(arguments) < 2:
        raise BadInput(f"the loss {function.__name__} should take the parameters, x and y, or predictions and targets")
    first_is_target = names.role(arguments[0], ("y",)) == "y" and names.role(arguments[1], ("output", "y")) == "output"

    def of_predictions(theta: Array) -> Any:
        output = _forward(target, encoded(theta), places, x, y, layout, observed)
        pair = (y, output) if first_is_target else (output, y)
        with source.own_errors(path):
            return _scalar(function(*pair), loss_name=function.__name__)

    return of_predictions


def _forward(target: Any, arrays: dict[str, Array], places: list[Slot], x: Any, y: Any, layout, observed) -> Any:
    known = {"x": x, "y": y}
    if isinstance(target, FunctionTarget):
        forward = target._forward_function()
        if forward is None:
            raise BadInput("a loss of predictions needs a forward function in the target's file; none was found")
        template = next(target._templates())
        result = target._run_forward(forward, known, {a: build(t, arrays) for a, t in template.items()}, arrays)
        return _output_among_complex(result, layout, observed)
    sizes = (observed.x.shape[1], *(len(layer.b) for layer in observed.parameters))
    thing = target.make(sizes, (x, y))
    for tensor, leaf in target.parameter_leaves(thing).items():
        if np.iscomplexobj(arrays[tensor]):
            raise TypeError("an object's weights are real")
        leaf.set(arrays[tensor])
    methods = Methods(thing, target.path)
    forward_name = methods.first(names.FORWARD)
    if forward_name is None:
        raise BadInput("a loss of predictions needs a forward method; none was found")
    return methods.forward(forward_name, (x, y), observed.x, observed.y, layout)[0]


def _output_among_complex(result: Any, layout: DataLayout, observed: Observed) -> Any:
    """The prediction, complex or not, among what a forward pass returned."""
    parts = (
        list(result.values())
        if isinstance(result, dict)
        else list(result)
        if isinstance(result, tuple | list)
        else [result]
    )
    for part in reversed(parts):
        if np.size(part) == observed.y.size and layout.predictions(np.real(part), *observed.y.shape) is not None:
            return part
    return output_among(result, layout, observed.x, observed.y)[1]


def _scalar(value: Any, loss_name: str) -> Any:
    if isinstance(value, tuple):
        value = value[0]
    if hasattr(value, "detach"):
        value = value.detach().cpu().numpy()
    value = np.asarray(value)
    if value.size != 1:
        raise BadInput(f"the loss {loss_name} should return one number, found shape {value.shape}")
    return value.reshape(())[()]


def _form(target: Any, group: Group, layout: DataLayout) -> Any:
    """The layout of the parameters that the observations were made with."""
    first = group.observed[0]
    for form in target.attempts(group.sizes):
        try:
            again = target.observe(form, layout, first.parameters, first.x, first.y, probe.RATE)
        except (source.UserError, Unreadable, ValueError):
            continue
        if _same(again, first.reading):
            return form
    raise Unreadable("the target gives another gradient each time it is called")


def _same(one: Reading, other: Reading) -> bool:
    return all(one.gradients[n].shape == other.gradients[n].shape for n in other.gradients)


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
