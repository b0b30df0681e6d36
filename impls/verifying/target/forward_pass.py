"""The target's own forward pass and losses: what it predicts, and the numbers that may be its loss."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import replace
from types import ModuleType
from typing import Any

import numpy as np

from samegrad.impls.parameters import Array, Parameters
from samegrad.impls.verifying.forward import FUNCTIONS
from samegrad.impls.verifying.target import names, results, source
from samegrad.impls.verifying.target.calls import Known, Unreadable, call, forwards, named_parts, output_among
from samegrad.impls.verifying.target.layouts import DataLayout
from samegrad.impls.verifying.target.places import to_array
from samegrad.impls.verifying.target.settings import known_values, put_settings
from samegrad.impls.verifying.target.subjects import ArgumentSubject, Instance, own_functions
from samegrad.impls.verifying.target.ways import Way


def intermediates(way: Way, parameters: Parameters, x: Array) -> dict[str, Any]:
    """z1, a1, h, …, of a network with the activations of the hypothesis, under usual names and in the data's layout."""
    values: dict[str, Any] = {}
    a = x
    for ell, ((W, b), f) in enumerate(zip(parameters, way.hypothesis, strict=True), start=1):
        z = a @ W + b
        a = FUNCTIONS[f](z)
        last = ell == len(parameters)
        for name, value in ((f"z{ell}", z), (f"a{ell}", a), (f"h{ell}", a), *_usual(a, last, ell)):
            values[name] = value.T.copy() if "column" in way.data.name else value[0] if way.data.single else value
    return values


def _usual(a: Array, last: bool, ell: int) -> list[tuple[str, Array]]:
    if last:
        return [(n, a) for n in ("output", "out", "o", "y_hat", "yhat", "y_pred", "pred", "probs", "al", "a")]
    return [(n, a) for n in ("h", "hidden", "hidden_output", "hidden_layer", "hidden_outputs")] if ell == 1 else []


def forward(way: Way, instance: Instance, known: Known, name: str, x: Array, y: Array) -> Array | None:
    """Run a forward pass and note what it gave, for those that are called after it: its predictions, or None.

    Without a return value the output is one of the object's attributes.
    """
    result, _ = call(instance.functions[name], known, way.subject.path)
    known.names.update(named_parts(instance.functions[name], result))
    if known.watch:
        known.locals.update(known.watch.locals)
    predictions, raw = output_among(result, way.data, y)
    if result is None and not isinstance(instance.thing, ModuleType | dict):
        for key, value in getattr(instance.thing, "__dict__", {}).items():
            known.names.setdefault(key, value)
            if names.role(key, ("output",)) or key in ("a2", "A2", "layer2", "output_layer"):
                array = to_array(value)
                as_predictions = None if array is None else way.data.predictions(array, *y.shape)
                predictions, raw = (as_predictions, value) if as_predictions is not None else (predictions, raw)
    known.roles["cache"] = _cache(result, raw)
    sure = result is not None
    if raw is not None and predictions is not None:
        known.roles["output"] = raw
        upstream = way.data.encode(x, 2 / y.size * (predictions - y))[1] if not way.data.labels else None
        known.roles["upstream"] = None if upstream is None else np.asarray(upstream).reshape(np.shape(raw))
    return predictions if sure else None  # an attribute may hold the sum before the activation; outputs have both


def _cache(result: Any, raw: Any) -> Any:
    """What the backward pass may call its cache: all that was returned, or the one part beside the predictions."""
    if not isinstance(result, tuple):
        return result
    others = [part for part in result if part is not raw and not np.isscalar(part)]
    return others[0] if len(others) == 1 else result


def any_forward(way: Way, instance: Instance, known: Known, x: Array, y: Array) -> Array | None:
    """Run the first of the file's forward functions that can be called and predicts."""
    for name in forwards(instance.functions, way.plan.main):
        trial = replace(known, roles=dict(known.roles), names=dict(known.names), locals=dict(known.locals))
        try:
            predictions = forward(way, instance, trial, name, x, y)
        except (source.UserError, Unreadable):
            continue
        if predictions is not None or trial.names:
            known.roles, known.names, known.locals = trial.roles, trial.names, trial.locals
            return predictions
    return None


def after_forward(
    way: Way,
    arrays: dict[str, Array],
    x: Array,
    y: Array,
    trained: Instance | None = None,
    whole: set[str] | None = None,
) -> tuple[Instance, Known, Array | None]:
    """An instance with these parameters after its forward pass, what is known then, and its predictions.

    `whole`, for calls at one probe after another, collects the forward functions that are not meant for one row.
    """
    data = way.data.encode(x, y)
    if trained is None:
        trained = way.make(data, arrays, way.rate, 1)
        put_settings(way, trained, way.rate, 1, *data)
    known = known_values(way, trained, data, x, way.rate, 1)
    if not isinstance(way.subject, ArgumentSubject):
        trained.functions = {**own_functions(way.subject.module), **trained.functions}
    for name in [way.plan.forward] if way.plan.forward else forwards(trained.functions, way.plan.main):
        predictions = None
        by_rows = whole is None or name not in whole
        first = _row_by_row(way, trained, known, name, x[:1], y[:1]) if by_rows else None
        with contextlib.suppress(source.UserError, Unreadable):
            predictions = forward(way, trained, known, name, x, y)
        alike = predictions is not None and first is not None and np.allclose(first, predictions[:1])
        by_row = None if first is None or alike else _row_by_row(way, trained, known, name, x, y)
        if by_row is None and whole is not None:
            whole.add(name)
        if by_row is not None:
            predictions = by_row  # it is meant for one row, whatever it makes of several
            known.roles["output"] = by_row if way.data.name == "rows" else by_row[:, 0]
        if predictions is not None:
            return trained, known, predictions
    return trained, known, None


def _row_by_row(way: Way, instance: Instance, known: Known, name: str, x: Array, y: Array) -> Array | None:
    """The predictions of a forward function that takes one row, for each row of data that are given as rows."""
    if way.data.name not in ("rows", "flat targets", "labels", "lists", "lists, flat targets"):
        return None
    of_rows = []
    for row, target in zip(x, y, strict=True):
        one = DataLayout("one list" if "list" in way.data.name else "one row, labels" if way.data.labels else "one row")
        data = one.encode(row[None], target[None])
        trial = replace(known, roles={**known.roles, "x": data[0], "y": data[1]}, names=dict(known.names))
        try:
            result, _ = call(instance.functions[name], trial, way.subject.path)
        except (source.UserError, Unreadable):
            return None
        predictions, _ = output_among(result, one, target[None])
        if predictions is None:
            return None
        of_rows.append(predictions)
    return np.concatenate(of_rows)


def own_losses(
    way: Way, arrays: dict[str, Array], x: Array, y: Array, computed: Sequence[Array], trained: Instance | None = None
) -> tuple[Array | None, dict[str, float]]:
    """(The predictions of the file's forward function, the values of its loss functions), at these parameters.

    Where no function gives predictions, each array of their shape that was `computed` on the way is tried instead.
    """
    try:
        instance, known, predictions = after_forward(way, arrays, x, y, trained)
    except (source.UserError, Unreadable, ValueError):
        return None, {}
    losses: dict[str, float] = {}
    known.left = ("output", "y")
    functions = {n: f for n, f in instance.functions.items() if names.is_loss(n) and n != way.plan.main}
    for number, array in enumerate([None] if predictions is not None or not computed else computed):
        if array is not None:
            known.roles["output"] = array
        for name, function in functions.items():
            with contextlib.suppress(source.UserError, Unreadable):
                value = results.lone_number(call(function, known, way.subject.path)[0])
                if value is not None:
                    losses[f"{name}() {number or ''}".strip()] = value
    return predictions, losses
