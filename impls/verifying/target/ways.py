"""Ways: how a target may be used. Each guesses where the parameters lie, how the data is given and what is called.

Guesses are tried in order, the likeliest first. Whether one was the right guess shows in what it gives: a gradient that
is right on every probe is not so by accident.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from types import ModuleType
from typing import Any

import numpy as np

from samegrad.impls.parameters import Array
from samegrad.impls.verifying import probe
from samegrad.impls.verifying.forward import candidates
from samegrad.impls.verifying.target import names, source, usage
from samegrad.impls.verifying.target.calls import SETTINGS, Unreadable, as_pairs, forwards, parameters_of, roles_of
from samegrad.impls.verifying.target.layouts import DATA_FRAME, DATA_LAYOUTS, FLAT, POINTS, DataLayout
from samegrad.impls.verifying.target.sketch import Sketch
from samegrad.impls.verifying.target.subjects import (
    ArgumentSubject,
    Form,
    Instance,
    Layers,
    ObjectSubject,
    Subject,
    callables,
    is_layer,
    own_functions,
)

BACKWARD, WHOLE = "backward", "whole"


def _as_it_is(array: Any) -> Any:
    return array


@dataclass(frozen=True)
class Plan:
    """The functions to call, by name, in order."""

    main: str
    forward: str | None = None
    update: str | None = None
    kind: str = BACKWARD
    """"whole" where the training itself is called, with its update."""


@dataclass(frozen=True)
class Way:
    """One way to use the target."""

    subject: Subject
    form: Form
    data: DataLayout
    plan: Plan
    lift: Callable[[Any], Any] = _as_it_is
    """What the target's arrays are made with: as they are, or as tensors of torch."""
    hypothesis: tuple[str, ...] = ()
    """The activations with which intermediates are made that the target asks for and no function of its file gives."""
    start: int = 0
    """Epochs before the step that is looked at: 0 looks at the first, from given parameters."""
    rate: float = probe.RATE

    def make(self, data: tuple[Any, Any], arrays: dict[str, Array], rate: float, epochs: int) -> Instance:
        """A fresh instance of the subject, with copies of these parameters in the user's layout."""
        copies = {tensor: np.array(array) for tensor, array in arrays.items()}
        return self.subject.make(self.form, data, copies, rate, epochs, self.lift)


def ways(subject: Subject, sizes: Sequence[int], flat: bool) -> Iterator[Way]:
    """All ways to use the subject as a network of these sizes; `flat` says that the file's own targets are (N,)."""
    layouts = [FLAT, *(layout for layout in DATA_LAYOUTS if layout is not FLAT)] if flat else list(DATA_LAYOUTS)
    layouts += [DATA_FRAME] if _imports(subject, "pandas") else []
    forms = list(subject.forms(sizes))
    for layout in layouts:
        for form in forms:
            for plan in plans(subject):
                takes_points = _takes_points(subject, form, plan)
                if (layout is POINTS) != takes_points and (layout is POINTS or isinstance(subject, ArgumentSubject)):
                    continue
                for lift in _lifts(subject, layout):
                    for hypothesis in _hypotheses(subject, form):
                        yield Way(subject, form, layout, plan, lift, hypothesis)


def _imports(subject: Subject, package: str) -> bool:
    return any(getattr(value, "__name__", "") == package for value in vars(subject.module).values())


def _takes_points(subject: Subject, form: Form, plan: Plan) -> bool:
    """Is there one argument for the data, a table whose last column has the targets?"""
    if isinstance(subject, ArgumentSubject):
        function, weights = subject.function, form.how.arguments
    elif "x" in subject.constructor.roles.values():
        return False
    else:
        function, weights = callables(subject.root)[plan.main], ()
    required = [p.name for p in parameters_of(function) if p.default is p.empty and p.name not in ("self", *weights)]
    data = [(name, role) for name, role in roles_of(required).items() if role not in SETTINGS]
    return [role for _, role in data] == ["x"] and not as_pairs(function, data[0][0])


def _hypotheses(subject: Subject, form: Form) -> list[tuple[str, ...]]:
    """No activations, unless the target asks for results of a forward pass that is not in its file."""
    if not isinstance(subject, ArgumentSubject) or not asks_for_intermediates(form):
        return [()]
    if names.methods(list(own_functions(subject.module, subject.function)), names.FORWARD):
        return [()]
    return candidates(form.layers, source.activations(source.read(subject.path)), form.sizes[-1])


def asks_for_intermediates(form: Form) -> bool:
    """Does a function of that form take results of a forward pass?"""
    return isinstance(form.how, Sketch) and form.how.asks


def _lifts(subject: Subject, layout: DataLayout) -> list[Callable[[Any], Any]]:
    """Arrays as they are; then, for a function's arguments, lists beside data in lists, and tensors of torch."""
    lifts: list[Callable[[Any], Any]] = [_as_it_is]
    if isinstance(subject, ArgumentSubject) and "list" in layout.name:
        lifts.append(np.ndarray.tolist)
    if isinstance(subject, ArgumentSubject) and _imports(subject, "torch"):
        import torch

        lifts.append(lambda array: torch.tensor(array))
    return lifts


def plans(subject: Subject) -> list[Plan]:
    """What may be called, the whole training before its parts. Raises Unreadable where nothing looks like it."""
    if isinstance(subject, ArgumentSubject):
        return [Plan(subject.function.__name__)]
    every = callables(subject.root)
    functions = {n: f for n, f in every.items() if n == subject.method or not names.DISPLAY.search(names.snake(n))}
    forward = next(iter(forwards(functions, subject.method)), None)
    if subject.method:
        update = _first(functions, names.UPDATE, (subject.method, forward))
        main = Plan(subject.method, forward, update)
        alone = _takes_data(functions[subject.method]) or isinstance(subject.root, ModuleType)
        return [main, replace(main, forward=None)] if forward and alone else [main]
    possible: list[Plan] = []
    rest = [n for n in functions if n != forward]
    trains = names.methods(rest, names.TRAIN, near=False)
    backward = names.methods([n for n in rest if n not in trains], names.BACKWARD)[:2]
    for train in [n for n in names.methods(rest, names.TRAIN) if n not in backward or len(backward) == 1][:2]:
        possible += [Plan(train, None, None, WHOLE)]
    for name in backward:
        update = _first(functions, names.UPDATE, (name, forward))
        possible.append(Plan(name, forward, update))
        if forward and _takes_data(functions[name]):
            possible.append(Plan(name, None, update))
    if not possible and (update := _first(functions, names.UPDATE, (forward,))):
        possible.append(Plan(update, forward, None, WHOLE))
    if not possible:
        possible = [Plan(name, forward) for name in rest if _takes_targets(functions[name])]
        possible += [Plan(name) for name in rest if names.is_loss(name) and _takes_data(functions[name])]
    if not possible:
        raise Unreadable(
            f"no method is called like backward or train; there are: {', '.join(functions) or 'none'}. "
            "Say which: file.py:Class.method"
        )
    return list(dict.fromkeys(possible))


def _first(functions: dict[str, Callable], kind: tuple[str, ...], but: Sequence[str | None]) -> str | None:
    return next(iter(names.methods([n for n in functions if n not in but], kind)), None)


def _takes_data(function: Callable) -> bool:
    """Does it take inputs and targets, so that it may run the forward pass itself?"""
    roles = roles_of(list(source.signature(function).parameters)).values()
    return "x" in roles and "y" in roles


def _takes_targets(function: Callable) -> bool:
    """Does it take inputs and targets and is called as if it gave gradients (costFunctionPrime)?"""
    parts = ("prime", "deriv", "grad", "back", "fit", "train", "propagate")
    return _takes_data(function) and any(part in names.snake(function.__name__) for part in parts)


def _of_arguments(subject: ObjectSubject) -> ArgumentSubject | None:
    """The same method as a function of its arguments, where these hold the parameters and the object has none."""
    if subject.has_weights:
        return None
    try:
        thing = subject.constructor.make(next(subject.constructor.variants(), {}), (2, 4, 1), None, 0.1, 1)
        return ArgumentSubject(subject.module, getattr(thing, str(subject.method)), subject.path)
    except (source.UserError, Unreadable, AttributeError):
        return None


def _of_class(
    module: Any, kind: type, path: Any, init: dict[str, Any] | None, mapping: dict[str, str] | None
) -> ObjectSubject:
    """Objects of a class as they are made for sizes; else the one that the file makes, with the layers added to it."""
    failure: Exception | None = None
    try:
        made = ObjectSubject(module, kind, path, None, init, mapping)
        if init or made.has_weights:
            return made
    except (source.UserError, Unreadable) as error:
        failure = error
    for own in usage.made_by_the_file(kind, path)[:1] if not init else ():
        if (of_own := ObjectSubject(module, own, path, None, None, mapping)).has_weights:
            return of_own
    if failure:
        raise failure
    return made


def _works_on(function: Callable, file: ObjectSubject) -> bool:
    """Does a function name weights that its file keeps at the top level?"""
    used = getattr(getattr(function, "__code__", None), "co_names", ())
    return any(leaf.name in used and names.tensor(leaf.name) for leaf in file.leaves(file.root))


def find_subject(
    module: Any,
    name: str,
    path: Any,
    *,
    init: dict[str, Any] | None = None,
    mapping: dict[str, str] | None = None,
    arguments: Sequence[str] | None = None,
) -> Subject:
    """The subject of that name. Raises BadInput for an unknown name, UserError and Unreadable."""
    thing, owner = source.find(module, name, path)
    if inspect.isclass(thing):
        return _of_class(module, thing, path, init, mapping)
    if (inspect.isfunction(thing) or inspect.ismethod(thing)) and owner is not module:
        of_object = ObjectSubject(module, owner, path, name.split(".")[-1], init, mapping)
        return _of_arguments(of_object) or of_object
    if (inspect.isfunction(thing) and owner is module) or (callable(thing) and inspect.isbuiltin(thing)):
        of_globals = ObjectSubject(module, module, path, name, None, mapping)
        with suppress(Unreadable):
            of_arguments = ArgumentSubject(module, thing, path, arguments)
            if arguments or not _works_on(thing, of_globals) or any(s.named for s in of_arguments.sketches):
                return of_arguments
        return of_globals
    if isinstance(thing, list | tuple) and thing and all(is_layer(layer) for layer in thing):
        return ObjectSubject(module, Layers(thing), path, None, init, mapping)
    if not hasattr(thing, "__dict__"):
        may = ", nor a list of layers, which have methods called like forward and backward" if thing else ""
        raise Unreadable(f"{name} is of type {type(thing).__name__}: no function, class or object with weights{may}")
    return ObjectSubject(module, thing, path, None, init, mapping)
