"""Observing: use a target in one way at every probe, and read off its gradients, losses and predictions."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from types import ModuleType
from typing import Any

import numpy as np

from samegrad.impls.parameters import Array, Parameters, tensors
from samegrad.impls.verifying import probe
from samegrad.impls.verifying.forward import FUNCTIONS
from samegrad.impls.verifying.target import names, results, source
from samegrad.impls.verifying.target.calls import Known, Unreadable, call, named_parts, output_among, ran_to_the_end
from samegrad.impls.verifying.target.layouts import DataLayout
from samegrad.impls.verifying.target.places import Part, Place, Stack, of_object, to_array
from samegrad.impls.verifying.target.results import Reading
from samegrad.impls.verifying.target.subjects import ArgumentSubject, Form, Instance
from samegrad.impls.verifying.target.trace import Watch
from samegrad.impls.verifying.target.ways import WHOLE, Way, asks_for_intermediates

SLOW = 2.0**-20
"""Times the learning rate: so small that many steps from the same place are many times the same step."""
LATER_RATE = 2.0**-10
"""The learning rate where several epochs go before the step that is looked at: small enough for none to diverge."""
PENALTY = 0.015625
OUTPUTS = 40
"""Arrays of the predictions' shape that are passed on, at most."""


@dataclass
class Outcome:
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


@dataclass
class Observed:
    """One probe and what the target gave for it."""

    parameters: Parameters
    x: Array
    y: Array
    reading: Reading


@dataclass
class Group:
    """The probes of one network size, in one way of using the target."""

    way: Way
    observed: list[Observed] = field(default_factory=list)
    refused: list[tuple[int, str]] = field(default_factory=list)
    """Batches at which the target raised, and the last line of its error."""
    slow: dict[str, Array] = field(default_factory=dict)
    """For updates: the gradients of the first probe, recovered at a tiny learning rate."""
    repeat: str = ""
    """"", or "accumulates", or "varies": what a second call on the same probe gave."""


# -- one call ---------------------------------------------------------------------------------------------------------


def run(way: Way, arrays: dict[str, Array], x: Array, y: Array, rate: float, epochs: int, times: int = 1) -> Outcome:
    """Make an instance with these parameters (in the user's layout) and let it learn; `times` times from there."""
    ux, uy = way.data.encode(x, y)
    ux, uy = (way.lift(a) if isinstance(a, np.ndarray) else a for a in (ux, uy))
    instance = way.make((ux, uy), arrays, rate, epochs)
    used = _settings(way, instance, rate, epochs, ux, uy)
    for turn in range(times):
        if turn:
            for tensor, place in instance.places.items():
                place.set(arrays[tensor])
        outcome = _once(way, instance, (ux, uy), x, y, rate, epochs)
    outcome.used |= used
    return outcome


def _settings(way: Way, instance: Instance, rate: float, epochs: int, ux: Any, uy: Any) -> set[str]:
    """Put the learning rate, the number of epochs and the data where the object or its file keeps them."""
    subject, used = way.subject, set()
    source.Loops.rounds, source.Loops.limited = epochs, False
    values = {"rate": rate, "epochs": epochs, "inputs_size": way.form.sizes[0], "outputs_size": way.form.sizes[-1]}
    taken = {id(place) for place in instance.places.values()}
    places = [] if isinstance(subject, ArgumentSubject) else subject.leaves(instance.thing)
    for leaf in [*places, *of_object(subject.module, subject_own(way))]:
        last = leaf.name.split(".")[-1]
        role = names.role(last, ("rate", "epochs"))
        if not role and type(leaf.get()) is int and re.search(r"in|out", last):
            role = (
                names.role(last, ("inputs_size", "outputs_size")) if re.search(r"dim|size|units|nodes", last) else role
            )
        if role and leaf.array().ndim == 0 and id(leaf) not in taken and type(leaf.get()) in (int, float):
            _set_number(leaf, values[role])
            used.add(role)
    module = subject.module
    for name, value in list(vars(module).items()):
        role = names.role(name, ("x", "y")) if isinstance(value, np.ndarray) and value.dtype.kind in "fiub" else None
        if role and not any(getattr(p, "name", "") == name for p in instance.places.values()):
            setattr(module, name, ux if role == "x" else uy)
    if not isinstance(subject, ArgumentSubject):
        used |= {role for role in subject.constructor.roles.values() if role in ("rate", "epochs")}
    return used


def subject_own(way: Way) -> Callable[[type], bool]:
    """Nothing but the module's own values is looked into for settings, and objects that hold a learning rate."""
    return source.is_own(way.subject.path)


def _set_number(leaf: Any, value: float) -> None:
    if isinstance(leaf.container, dict | list):
        leaf.container[leaf.key] = value
    elif not isinstance(leaf.container, tuple):
        setattr(leaf.container, leaf.key, value)


def known_values(way: Way, instance: Instance, data: tuple[Any, Any], x: Array, rate: float, epochs: int) -> Known:
    """What the target's functions may ask for, before anything was called."""
    sizes = way.form.sizes
    roles: dict[str, Any] = {
        "x": data[0], "y": data[1], "rate": rate, "epochs": epochs, "batch": len(x), "seed": 0, "quiet": False,
        "x_more": data[0],
        "y_more": data[1],
        "penalty": PENALTY, "momentum": 0.0, "inputs_size": sizes[0], "outputs_size": sizes[-1], "sizes": list(sizes),
        "hidden_size": sizes[1] if len(sizes) > 2 else None,
    }  # fmt: skip
    return Known(roles, dict(instance.held), given=dict(way.subject.given))


def _once(way: Way, instance: Instance, data: tuple[Any, Any], x: Array, y: Array, rate: float, epochs: int) -> Outcome:
    path = way.subject.path
    roots = {str(path.resolve().parent), os.getcwd()}
    with Watch(lambda file: source.is_own_file(file, roots)) as watch:
        for name in names.methods(list(instance.functions), names.CLEAR)[:1]:
            call(instance.functions[name], Known({}), path)
        before = instance.values()
        known = known_values(way, instance, data, x, rate, epochs)
        predictions = None
        if way.plan.forward:
            predictions = forward(way, instance, known, way.plan.forward, x, y, watch)
        elif way.hypothesis:
            layers = results.canonical(way.form.slots, before)
            known.names.update(intermediates(way, layers, x))
        elif isinstance(way.subject, ArgumentSubject) and asks_for_intermediates(way.form):
            predictions = _any_forward(way, instance, known, x, y, watch)
        main = instance.functions[way.plan.main]
        result, used = call(main, known, path)
        after = _after(way, instance)
        update = way.plan.update
        if update and not _moved(before, after) and not _gradients(way, instance, result, main):
            known.gradients = result
            _, again = call(instance.functions[update], known, path)
            after, used = _after(way, instance), used | again
    return Outcome(instance, result, before, after, used | _limited(), watch, predictions, main)


def _limited() -> set[str]:
    return {"epochs"} if source.Loops.limited else set()


def intermediates(way: Way, parameters: Parameters, x: Array) -> dict[str, Any]:
    """z1, a1, h, …, of a network with the activations of the hypothesis, under usual names and in the data's layout."""
    found: dict[str, Any] = {}
    a = x
    for ell, ((W, b), f) in enumerate(zip(parameters, way.hypothesis, strict=True), start=1):
        z = a @ W + b
        a = FUNCTIONS[f](z)
        last = ell == len(parameters)
        for name, value in ((f"z{ell}", z), (f"a{ell}", a), (f"h{ell}", a), *_usual(a, last, ell)):
            found[name] = value.T.copy() if "column" in way.data.name else value[0] if way.data.single else value
    return found


def _usual(a: Array, last: bool, ell: int) -> list[tuple[str, Array]]:
    if last:
        return [(n, a) for n in ("output", "out", "o", "y_hat", "yhat", "y_pred", "pred", "probs", "al", "a")]
    return [(n, a) for n in ("h", "hidden", "hidden_output", "hidden_layer", "hidden_outputs")] if ell == 1 else []


def forward(
    way: Way, instance: Instance, known: Known, name: str, x: Array, y: Array, watch: Watch | None = None
) -> Array | None:
    """Run a forward pass and note what it gave, for those that are called after it: its predictions, or None.

    Without a return value the output is one of the object's attributes.
    """
    result, _ = call(instance.functions[name], known, way.subject.path)
    known.names.update(named_parts(instance.functions[name], result))
    if watch:
        known.locals.update(watch.locals)
    predictions, raw = output_among(result, way.data, y)
    if result is None and not isinstance(instance.thing, ModuleType | dict):
        for key, value in getattr(instance.thing, "__dict__", {}).items():
            known.names.setdefault(key, value)
            if names.role(key, ("output",)) or key in ("a2", "A2", "layer2", "output_layer"):
                array = to_array(value)
                found = None if array is None else way.data.predictions(array, *y.shape)
                predictions, raw = (found, value) if found is not None else (predictions, raw)
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


def _any_forward(way: Way, instance: Instance, known: Known, x: Array, y: Array, watch: Watch | None) -> Array | None:
    """Run the first of the file's forward functions that can be called and predicts."""
    for name in names.methods([n for n in instance.functions if n != way.plan.main], names.FORWARD):
        trial = replace(known, roles=dict(known.roles), names=dict(known.names), locals=dict(known.locals))
        try:
            predictions = forward(way, instance, trial, name, x, y, watch)
        except (source.UserError, Unreadable):
            continue
        if predictions is not None or trial.names:
            known.roles, known.names, known.locals = trial.roles, trial.names, trial.locals
            return predictions
    return None


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


def _moved(before: dict[str, Array], after: dict[str, Array]) -> bool:
    return any(before[t].shape != after[t].shape or not np.array_equal(before[t], after[t]) for t in before)


def _gradients(way: Way, instance: Instance, result: Any, main: Callable) -> results.Assigned | None:
    """Gradients among what was returned, or else among the object's attributes."""
    for joined in (False, True):
        named = _renamed(way, results.named_values(result, source.returned_names(main), joined))
        if named and (found := results.gradients_among(named, way.form.slots, instance.places)):
            return found
    if isinstance(instance.thing, dict):
        return None
    held = _renamed(way, [(leaf.name, leaf.array()) for leaf in way.subject.leaves(instance.thing)])  # type: ignore[union-attr]
    marked = [(n, v) for n, v in held if (t := names.tensor(n)) and t.gradient]
    found = results.gradients_among(marked, way.form.slots, instance.places) if marked else None
    return found._replace(loss=results.lone_number(result)) if found else None


def _renamed(way: Way, named: list[tuple[str, Array]]) -> list[tuple[str, Array]]:
    """The same values; one called like a gradient of a parameter's own name (g_omega1, m_grad) is called dW1."""
    own: dict[tuple[str, str], str] = {}
    for tensor, name in way.form.names.items():
        own[_holder(name), re.split(r"[.\[]", name)[-1].strip("]'\"_").lower()] = tensor
    result = []
    for name, value in named:
        read_as = names.tensor(name)
        mine = own.get((_holder(name), names.without_gradient(name))) or own.get(("", names.without_gradient(name)))
        last = re.split(r"[.\[]", name)[-1].strip("]'\"_").lower()
        is_gradient = mine and last != names.without_gradient(name)
        result.append((f"d{mine}" if is_gradient and not (read_as and read_as.gradient) else name, value))
    return result


def _holder(name: str) -> str:
    """What holds a value: "layers[0]" of "layers[0].m"."""
    return name.rpartition(".")[0]


# -- one probe --------------------------------------------------------------------------------------------------------


def read(way: Way, parameters: Parameters, x: Array, y: Array, rate: float = 0.0, times: int = 1) -> Reading:
    """The target's gradients at this probe. Raises UserError, and Unreadable where it gives none."""
    rate = rate or way.rate
    if way.form.born_late or way.start:
        return _read_later(way, parameters, x, y, rate)
    values = tensors(parameters)
    arrays = {slot.tensor: slot.encode(values[slot.tensor]) for slot in way.form.slots}
    outcome = run(way, arrays, x, y, rate, 1, times)
    given = {t: to_array(a) for t, a in outcome.before.items()}
    if _moved(outcome.before, outcome.after):
        found = _returned_beside_a_change(way, outcome)
        if found and found.labelled:
            reading = results.of_returned(found, way.form.slots)
        else:
            after = outcome.after if found is None else {**outcome.after, **found.gradients}
            reading = results.of_change(way.form.slots, outcome.before, after, rate, "rate" in outcome.used)
            reading.loss = results.lone_number(outcome.result)
    else:
        reading = _read_returned(way, outcome, arrays, x, y, rate)
    if any(array is not None and array.dtype == np.float32 for array in given.values()):
        reading.parameters = results.canonical(way.form.slots, outcome.before)
        if all(array is not None and array.dtype == np.float32 for array in given.values()):
            reading.dtype = "float32"
    return _with_evidence(way, reading, outcome, arrays, x, y)


def _returned_beside_a_change(way: Way, outcome: Outcome) -> results.Assigned | None:
    """What was returned though some parameters have moved: gradients by their names, or all parameters after the step.

    A step may change one parameter in place and make another anew; what it returns then has them all.
    """
    if not isinstance(way.subject, ArgumentSubject):
        return None
    found = _gradients(way, outcome.instance, outcome.result, outcome.main)  # type: ignore[arg-type]
    if found is None or found.labelled:
        return found
    moved = [t for t in outcome.before if not np.array_equal(outcome.before[t], outcome.after[t])]
    same = all(t in found.gradients and np.array_equal(found.gradients[t], outcome.after[t]) for t in moved)
    return found if same else None


def _read_returned(way: Way, outcome: Outcome, arrays: dict[str, Array], x: Array, y: Array, rate: float) -> Reading:
    found = _gradients(way, outcome.instance, outcome.result, outcome.main)  # type: ignore[arg-type]
    if found is None:
        raise ran_to_the_end(_nothing_found(way, outcome))
    may_be = isinstance(way.subject, ArgumentSubject) and not found.labelled
    if may_be and _are_updates(way, found.gradients, outcome, arrays, x, y, rate):
        new = {t: np.asarray(found.gradients.get(t, outcome.before[t])) for t in outcome.before}
        reading = results.of_change(way.form.slots, outcome.before, new, rate, "rate" in outcome.used)
        reading.loss = found.loss
        return reading
    return results.of_returned(found, way.form.slots)


def _nothing_found(way: Way, outcome: Outcome) -> str:
    if not isinstance(way.subject, ArgumentSubject):
        return (
            "the weights did not change and no gradients were returned or kept in attributes (dW1, grad_b1, …); "
            "say which method learns: file.py:Class.method"
        )
    named = results.named_values(outcome.result, None)
    shapes = ", ".join(f"{n or 'a value'} {v.shape}" for n, v in named) or "nothing numeric"
    wanted = ", ".join(f"{slot.tensor} {slot.shape}" for slot in way.form.slots)
    return f"it returned {shapes}; the gradients of {wanted} are expected, as a tuple, list or dictionary"


def _are_updates(
    way: Way, found: dict[str, Array], outcome: Outcome, arrays: dict[str, Array], x: Array, y: Array, rate: float
) -> bool:
    """Are these the parameters after a step? Then they come near to those before as the rate goes to zero."""
    before = outcome.before
    if any(np.shape(found[t]) != before[t].shape for t in found if t in before):
        return False
    if "rate" not in outcome.used:
        words = ("step", "update", "train", "sgd", "descent", "fit")
        return any(word in way.plan.main.lower() for word in words)
    again = run(way, arrays, x, y, rate / 1024, 1)
    second = _gradients(way, again.instance, again.result, again.main)  # type: ignore[arg-type]
    if second is None:
        return False
    shared = [t for t in found if t in second.gradients and np.shape(second.gradients[t]) == before[t].shape]
    whole, part = (sum(float(np.sum((g[t] - before[t]) ** 2)) for t in shared) for g in (found, second.gradients))
    return bool(shared) and part <= whole / 100**2


def _read_later(way: Way, parameters: Parameters, x: Array, y: Array, rate: float) -> Reading:
    """The step after `way.start` epochs, as the difference between so many and one more from the same beginning.

    Where the number of epochs cannot be set, the first step: the difference that the learning rate makes to 0.
    """
    form = way.form
    values = tensors(parameters)
    arrays = {} if form.born_late else {slot.tensor: slot.encode(values[slot.tensor]) for slot in form.slots}
    one = run(way, arrays, x, y, rate, max(way.start, 1))
    by_epochs = "epochs" in one.used
    if by_epochs:
        first, second = one, run(way, arrays, x, y, rate, max(way.start, 1) + 1)
    elif "rate" in one.used:
        first, second = run(way, arrays, x, y, 0.0, 1), one
    else:
        raise Unreadable(
            "the weights are made while training, and neither a learning rate nor a number of epochs can be set to see "
            "their first values; make the weights in __init__, or let them be arguments"
        )
    states = []
    for outcome in (first, second):
        if form.born_late:
            found = way.subject.structure_of(form, outcome.instance.thing, outcome.result)  # type: ignore[union-attr]
            found = found or way.subject.structure_of(form, outcome.instance.thing)  # type: ignore[union-attr]
            if found is None:
                raise ran_to_the_end(
                    "no weights were found in what it returned, and no attribute is called like one (W1, weights, …); "
                    "say which they are: --parameters W1=…,b1=…,W2=…,b2=…"
                )
            if not form.slots:
                form.slots, form.sizes, form.flipped = found.slots, found.sizes, found.flipped
                form.names = {t: p.name for t, p in found.places.items()}
            outcome.instance.places = found.places
            states.append({t: np.array(p.array()) for t, p in found.places.items()})
        else:
            states.append(outcome.after)
    before, after = states
    if form.born_late and not _moved(before, after):
        raise ran_to_the_end("no weights were found: what it returned, or keeps, is the same after another epoch")
    reading = results.of_change(form.slots, before, after, rate, "rate" in one.used)
    reading.parameters = results.canonical(form.slots, before)
    user: dict[str, Array] = {t: a.astype(np.float64) for t, a in before.items()}
    return _with_evidence(way, reading, replace(second, before=before), user, x, y, first.instance)


def _with_evidence(
    way: Way, reading: Reading, outcome: Outcome, arrays: dict[str, Array], x: Array, y: Array,
    trained: Instance | None = None,
) -> Reading:  # fmt: skip
    """Add the predictions of the program's own forward function, what it computed on the way, and its losses."""
    reading.loss_is_given = "upstream" in outcome.used
    reading.predictions = outcome.predictions
    seen: list[Array] = []
    as_kept: list[Array] = []
    attributes = [] if isinstance(outcome.instance.thing, dict) else way.subject.leaves(outcome.instance.thing)  # type: ignore[union-attr]
    for array in [*outcome.watch.arrays, *(leaf.array() for leaf in attributes)]:
        found = way.data.predictions(array, *y.shape)
        if found is not None and not any(np.array_equal(found, other) for other in (y, *seen)):
            seen.append(np.array(found))
            as_kept.append(np.array(array))
    reading.outputs = seen[:OUTPUTS]
    reading.numbers = dict(outcome.watch.numbers)
    if reading.loss is not None:
        reading.numbers["returned"] = reading.loss
    forward_of, losses = own_losses(way, arrays, x, y, as_kept[:OUTPUTS], trained)
    if reading.predictions is None:
        reading.predictions = forward_of
    reading.numbers |= losses
    return reading


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
    found: dict[str, float] = {}
    known.left = ("output", "y")
    functions = {n: f for n, f in instance.functions.items() if names.is_loss(n) and n != way.plan.main}
    for number, array in enumerate([None] if predictions is not None or not computed else computed):
        if array is not None:
            known.roles["output"] = array
        for name, function in functions.items():
            with contextlib.suppress(source.UserError, Unreadable):
                value = results.lone_number(call(function, known, way.subject.path)[0])
                if value is not None:
                    found[f"{name}() {number or ''}".strip()] = value
    return predictions, found


def after_forward(
    way: Way, arrays: dict[str, Array], x: Array, y: Array, trained: Instance | None = None
) -> tuple[Instance, Known, Array | None]:
    """An instance with these parameters after its forward pass, what is known then, and its predictions."""
    data = way.data.encode(x, y)
    if trained is None:
        trained = way.make(data, arrays, way.rate, 1)
        _settings(way, trained, way.rate, 1, *data)
    known = known_values(way, trained, data, x, way.rate, 1)
    rest = [n for n in trained.functions if n != way.plan.main]
    if not isinstance(way.subject, ArgumentSubject):
        module = way.subject.module
        more = {
            n: f for n, f in vars(module).items() if callable(f) and getattr(f, "__module__", "") == module.__name__
        }
        trained.functions = {**{n: f for n, f in more.items() if not isinstance(f, type)}, **trained.functions}
    for name in [way.plan.forward] if way.plan.forward else names.methods(rest, names.FORWARD):
        predictions = None
        with contextlib.suppress(source.UserError, Unreadable):
            predictions = forward(way, trained, known, name, x, y)
        if predictions is None or x.shape[0] == x.shape[1]:  # a square may have been taken the other way round
            predictions = _row_by_row(way, trained, known, name, x, y)
        if predictions is not None:
            return trained, known, predictions
    return trained, known, None


def _row_by_row(way: Way, instance: Instance, known: Known, name: str, x: Array, y: Array) -> Array | None:
    """The predictions of a forward function that takes one row, for each row of data that are given as rows."""
    if way.data.name not in ("rows", "flat targets", "lists", "lists, flat targets"):
        return None
    found = []
    for row, target in zip(x, y, strict=True):
        one = DataLayout("one list" if "list" in way.data.name else "one row")
        data = one.encode(row[None], target[None])
        trial = replace(known, roles={**known.roles, "x": data[0], "y": data[1]}, names=dict(known.names))
        try:
            result, _ = call(instance.functions[name], trial, way.subject.path)
        except (source.UserError, Unreadable):
            return None
        predictions, _ = output_among(result, one, target[None])
        if predictions is None:
            return None
        found.append(predictions)
    known.roles["output"] = np.concatenate(found) if way.data.name == "rows" else np.concatenate(found)[:, 0]
    return np.concatenate(found)


# -- all probes -------------------------------------------------------------------------------------------------------


def one(way: Way, batch: int, seed: int) -> Observed:
    """One probe of so many rows. Raises ValueError where the data layout does not take it."""
    layers, x, y = _probe(way, batch, seed, "float64")
    way.data.encode(x, y)
    reading = read(way, layers, x, y)
    if reading.dtype == "float32":  # a float32 program: give it numbers that it can hold
        layers, x, y = _probe(way, batch, seed, "float32")
        reading = read(way, layers, x, y)
    return Observed(reading.parameters or layers, x, y, reading)


def _probe(way: Way, batch: int, seed: int, dtype: str) -> tuple[Parameters, Array, Array]:
    form: Form = way.form
    layers, x, y = probe.make(form.sizes, batch, seed, form.biases or [True] * form.layers, dtype)
    return layers, x, probe.labels(seed, batch, form.sizes[-1]) if way.data.labels else y


def settled(way: Way, batch: int) -> tuple[Way, Observed]:
    """The way as it is used for all probes, and the first probe: from the first step, or from a later one.

    A target whose weights do not depend on those that it is given makes its own; one that needs some epochs gets ten.
    Raises what the first try raises where no later one works.
    """
    if way.form.born_late:
        way = replace(way, start=1, rate=LATER_RATE, form=replace(way.form))
    try:
        observed = one(way, batch, 0)
    except source.UserError as error:
        if not re.search("ZeroDivision|modulo", str(error)):
            raise
        later = replace(way, start=10, rate=LATER_RATE, form=replace(way.form))
        try:
            return later, one(later, batch, 0)
        except (source.UserError, Unreadable, ValueError):
            raise error from None
    recovered = observed.reading.kind == "update" and observed.reading.rate_known
    if way.plan.kind == WHOLE and not way.start and recovered and _starts_anew(way):
        return settled(replace(way, form=Form([], way.form.sizes, False, way.form.how, born_late=True)), batch)
    return way, observed


def _starts_anew(way: Way) -> bool:
    """Are the weights that it was given thrown away? Then a learning rate of 0 moves them as well."""
    if isinstance(way.subject, ArgumentSubject):
        return False
    layers, x, y = _probe(way, 1 if way.data.single else probe.BATCHES[0], 0, "float64")
    values = tensors(layers)
    arrays = {slot.tensor: slot.encode(values[slot.tensor]) for slot in way.form.slots}
    try:
        outcome = run(way, arrays, x, y, 0.0, 1)
    except (source.UserError, Unreadable):
        return False
    return _moved(outcome.before, outcome.after)


def observe(way: Way, batches: Sequence[int] = probe.BATCHES) -> Group:
    """All probes in one way. Raises UserError, Unreadable and ValueError where not even the first one works."""
    batches = [1] * len(batches) if way.data.single else batches
    way, first = settled(way, batches[0])
    group = Group(way, [first])
    if first.reading.kind == "update" and first.reading.rate_known and not way.start:
        group.slow = read(way, first.parameters, first.x, first.y, SLOW * way.rate).gradients
    group.repeat = _repeat(way, first)
    if group.repeat:
        return group
    for seed, batch in enumerate(batches[1:], start=1):
        later = replace(way, start=way.start + seed % 2) if way.start else way
        try:
            group.observed.append(one(later, batch, seed))
        except source.UserError as error:
            group.refused.append((batch, str(error).splitlines()[-1]))
        except (Unreadable, ValueError) as error:
            group.refused.append((batch, str(error)))
    return group


def _repeat(way: Way, first: Observed) -> str:
    """Call again on the same probe: do gradients pile up, or vary?

    An object that is made anew has nothing left from its first call; so one object does the same thing twice as well.
    Updates may rightly vary (momentum), gradients may not.
    """
    if way.start:
        return ""
    try:
        again = [read(way, first.parameters, first.x, first.y)]
        if not isinstance(way.subject, ArgumentSubject):
            again.append(read(way, first.parameters, first.x, first.y, times=2))
    except (source.UserError, Unreadable):
        return ""
    for reading in again:
        pairs = [(first.reading.gradients[n], reading.gradients[n]) for n in first.reading.gradients]
        if all(_same(a, b) for a, b in pairs):  # also where all are zero, and twice zero is zero
            continue
        if all(_same(2 * a, b) for a, b in pairs):
            return "accumulates"
        if first.reading.kind == "returned":
            return "varies"
    return ""


def _same(one: Array, other: Array) -> bool:
    """The same numbers once more, to some ten roundings of float32, as threads may add in another order.

    What piles up, or is drawn at random, changes by far more. Below 1e-9 is next to nothing at a probe.
    """
    return one.shape == other.shape and np.allclose(one, other, rtol=1e-6, atol=1e-9)


def shapes_fit(observed: Observed) -> bool:
    """Have all gradients the shapes of their parameters?"""
    values = tensors(observed.parameters)
    return all(g.shape == values[name].shape for name, g in observed.reading.gradients.items())


def groups(all_ways: Iterator[Way], failures: list[Exception], strange: list[Group]) -> Iterator[Group]:
    """Every way that works and gives gradients of the parameters' shapes, observed; the others go to `strange`.

    A layout that is not the user's may run all the same, by broadcasting, and then gives nonsense of the wrong shape.
    """
    seen = []
    for way in all_ways:
        same = (
            way.data,
            way.plan.main,
            way.plan.kind,
            way.form.flipped,
            way.form.names,
            way.form.slots,
            way.form.bias_first,
            way.hypothesis,
        )
        if same in seen:
            continue  # it works already with another plan around the same function
        try:
            group = observe(way)
        except ValueError:
            continue
        except (source.UserError, Unreadable) as error:
            error.way = way  # type: ignore[union-attr]
            failures.append(error)
            continue
        except Exception as error:  # a fault of ours in one way is no reason not to try the others
            failures.append(Unreadable(f"samegrad itself failed on it ({type(error).__name__}: {error})"))
            continue
        if shapes_fit(group.observed[0]):
            seen.append(same)
            yield group
        else:
            strange.append(group)
