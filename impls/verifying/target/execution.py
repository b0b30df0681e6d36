"""One call: an instance with given parameters learns from some rows, and what that leaves behind."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from samegrad.impls.parameters import Array
from samegrad.impls.verifying.target import names, results, source
from samegrad.impls.verifying.target.calls import Known, call, parameters_of, roles_of
from samegrad.impls.verifying.target.forward_pass import any_forward, forward, intermediates
from samegrad.impls.verifying.target.places import Part, Place, Stack, of_object
from samegrad.impls.verifying.target.settings import known_values, put_settings
from samegrad.impls.verifying.target.subjects import ArgumentSubject, Instance, ObjectSubject
from samegrad.impls.verifying.target.trace import Watch
from samegrad.impls.verifying.target.ways import WHOLE, Way, asks_for_intermediates


@dataclass
class Execution:
    """What calling a target on some rows left behind."""

    instance: Instance
    result: Any
    before: dict[str, Array]
    after: dict[str, Array]
    used: set[str]
    """The roles that were handed over, or set where the target keeps them."""
    watch: Watch
    predictions: Array | None = None
    """Of the forward function that was called first."""
    main: Callable | None = None


def run(way: Way, arrays: dict[str, Array], x: Array, y: Array, rate: float, epochs: int, times: int = 1) -> Execution:
    """Make an instance with these parameters (in the user's layout) and let it learn; `times` times from there."""
    ux, uy = way.data.encode(x, y)
    ux, uy = (way.lift(a) if isinstance(a, np.ndarray) else a for a in (ux, uy))
    instance = way.make((ux, uy), arrays, rate, epochs)
    used = put_settings(way, instance, rate, epochs, ux, uy)
    for turn in range(times):
        if turn:
            for tensor, place in instance.places.items():
                place.set(arrays[tensor])
        outcome = _once(way, instance, (ux, uy), x, y, rate, epochs)
    outcome.used |= used
    return outcome


def _once(
    way: Way, instance: Instance, data: tuple[Any, Any], x: Array, y: Array, rate: float, epochs: int
) -> Execution:
    path = way.subject.path
    roots = frozenset({str(path.resolve().parent), os.getcwd()})
    for name in names.methods(list(instance.functions), names.CLEAR)[:1]:
        call(instance.functions[name], Known({}), path)
    before = instance.values()
    known = known_values(way, instance, data, x, rate, epochs)
    known.watch = watch = Watch(lambda file: source.is_own_file(file, roots))
    predictions = None
    if way.plan.forward:
        predictions = forward(way, instance, known, way.plan.forward, x, y)
    elif way.hypothesis:
        layers = results.canonical(way.form.slots, before)
        known.names.update(intermediates(way, layers, x))
    elif isinstance(way.subject, ArgumentSubject) and asks_for_intermediates(way.form):
        predictions = any_forward(way, instance, known, x, y)
    main = instance.functions[way.plan.main]
    known.given |= _upstream(way, main, known)
    result, used = call(main, known, path)
    after = _after(way, instance)
    update = way.plan.update
    if update and not moved(before, after) and not results.gradients_of(way, instance, result, main):
        known.gradients = result
        _, again = call(instance.functions[update], known, path)
        after, used = _after(way, instance), used | again
    used |= {"epochs"} if source.Loops.limited else set()
    return Execution(instance, result, before, after, used, watch, predictions, main)


def _upstream(way: Way, main: Callable, known: Known) -> dict[str, str]:
    """The one argument of a backward pass without targets, which is ∂L/∂a even where it is called x."""
    every = [p.name for p in parameters_of(main)]
    of_object = isinstance(way.subject, ObjectSubject) and "y" not in way.subject.constructor.roles.values()
    if not of_object or way.plan.kind == WHOLE or known.roles.get("upstream") is None or len(every) != 1:
        return {}
    return {name: "upstream" for name, role in roles_of(every).items() if role == "x"}


def _after(way: Way, instance: Instance) -> dict[str, Array]:
    """The parameters after a call: where they are now, which may be another object under the same name."""
    if not instance.places:
        return {}
    root = instance.thing
    leaves = of_object(root, lambda kind: True) if isinstance(root, dict) else way.subject.leaves(root)  # type: ignore[union-attr]
    now = {leaf.name: leaf for leaf in leaves}

    def again(place: Place) -> Place:
        if isinstance(place, Part):
            return replace(place, whole=again(place.whole))  # type: ignore[arg-type]
        if isinstance(place, Stack):
            return replace(place, parts=[now.get(part.name, part) for part in place.parts])
        return now.get(place.name, place)

    return {tensor: np.array(again(place).array()) for tensor, place in instance.places.items()}


def moved(before: dict[str, Array], after: dict[str, Array]) -> bool:
    """Is any parameter another after the call?"""
    return any(before[t].shape != after[t].shape or not np.array_equal(before[t], after[t]) for t in before)
