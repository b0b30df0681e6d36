"""Subjects: what is checked, as something that can be made, holds parameters in places, and has functions to call.

    ArgumentSubject    a function that takes the parameters as arguments
    ObjectSubject      a class, an object, a list of layers, or a file whose functions work on its global variables

A `Form` is one guess of how its parameters lie; `make` gives an `Instance` of it for layer sizes and data.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

import numpy as np

from samegrad.impls.parameters import Array
from samegrad.impls.verifying.target import names, source
from samegrad.impls.verifying.target.calls import Unreadable, forwards, parameters_of
from samegrad.impls.verifying.target.constructor import Constructor, other_inputs, seed_everything
from samegrad.impls.verifying.target.layouts import PARAMETER_LAYOUTS, VECTOR_LAYOUTS, Slot
from samegrad.impls.verifying.target.places import Leaf, Part, Place, of_object, of_result, to_array
from samegrad.impls.verifying.target.sketch import Sketch, build, deeper, sketches
from samegrad.impls.verifying.target.structure import Structure, chains, structures


@dataclass
class Instance:
    """One fresh instance of the subject."""

    thing: Any
    """The object, the module, or the dictionary of a function's arguments."""
    functions: dict[str, Callable]
    places: dict[str, Place] = field(default_factory=dict)
    """Tensor → where its parameter is."""
    arguments: dict[str, Any] = field(default_factory=dict)
    """A function's arguments that hold parameters."""

    def values(self) -> dict[str, Array]:
        """Copies of all parameters, as the user has them."""
        return {tensor: np.array(place.array()) for tensor, place in self.places.items()}


@dataclass
class Form:
    """One guess of how the parameters lie: the arrays' shapes, and what else the subject needs to make an instance."""

    slots: list[Slot]
    sizes: tuple[int, ...]
    flipped: bool
    how: Any = None
    """For the subject's own use."""
    born_late: bool = False
    """Are the parameters made while training, so that they cannot be given?"""
    names: dict[str, str] = field(default_factory=dict)
    """Tensor → what the user calls it."""
    bias_first: bool | None = None
    """Is the bias the first entry of the weights of an argument, or the last (False)? None where it is neither."""

    @property
    def layers(self) -> int:
        """How many layers of weights there are."""
        return len(self.sizes) - 1

    @property
    def biases(self) -> list[bool]:
        """Which layers have a bias, from the first on."""
        tensors = {slot.tensor for slot in self.slots}
        return [f"b{ell}" in tensors for ell in range(1, self.layers + 1)]


class ArgumentSubject:
    """A function that takes the parameters as arguments."""

    def __init__(self, module: ModuleType, function: Callable, path: Path, order: Sequence[str] | None = None) -> None:
        """`order` names the arguments' roles, x, y, W1, b1, …, where their own names do not tell."""
        self.module, self.function, self.path = module, function, path
        self.sketches = [self._with_forward(sketch) for sketch in sketches(function, module, order)]
        self.sketches = [sketch for sketch in self.sketches if sketch.layers]
        if not self.sketches:
            raise Unreadable("no parameters among the arguments")
        self.depths: list[int] = list(dict.fromkeys(sketch.layers for sketch in self.sketches))
        self.fixed_sizes: list[tuple[int, ...]] = []
        self.given = self.sketches[0].given

    def _with_forward(self, sketch: Sketch) -> Sketch:
        """A backward function that is given the forward pass's results may leave out parameters that this takes."""
        own = own_functions(self.module, self.function)
        every = [whole for name in forwards(own) if sketch.asks for whole in sketches(own[name], self.module)]
        fitting = [w for w in every if w.layers >= max(sketch.layers, 1) and (w.is_plain or not sketch.layers)]
        if not fitting:
            return sketch
        whole = max(fitting, key=lambda w: w.layers)
        mine = {a: whole.arguments.get(a, t) for a, t in sketch.arguments.items()}
        return replace(sketch, arguments=mine, of_forward=whole.arguments, more=whole.more)

    def forms(self, sizes: Sequence[int]) -> Iterator[Form]:
        """The layouts that the parameters may have, likeliest first; at last with the biases inside the weights."""
        later: list[Form] = []
        for sketch in self.sketches:
            if (grown := deeper(sketch, len(sizes) - 1)) is None:
                continue
            named = {t: a for a, t in grown.arguments.items() if isinstance(t, str)}
            layouts = [*PARAMETER_LAYOUTS, *(VECTOR_LAYOUTS if sizes[-1] == 1 else ())]
            seen: list[list[Slot]] = []
            for layout in sorted(layouts, key=lambda layout: not self._is_own(layout, grown)):
                slots = layout.slots(sizes, grown.biases)
                if slots in seen:
                    continue
                seen.append(slots)
                flipped = any(slot.flipped for slot in slots)
                yield Form(slots, tuple(sizes), flipped, grown, names=named)
                if not any(grown.biases) and not grown.of_forward:
                    inside = [part for slot in slots for part in (slot, _bias_of(slot))]
                    later += [
                        Form(inside, tuple(sizes), flipped, grown, names=named, bias_first=first)
                        for first in (True, False)
                    ]
        yield from (form for form in later if all(slot.shape or slot.tensor[0] == "b" for slot in form.slots))

    @property
    def own_sizes(self) -> list[tuple[int, ...]]:
        """The layer sizes of the arrays of the arguments' names in the user's own module, where there are such."""
        sizes: list[tuple[int, ...]] = []
        for sketch in (s for s in self.sketches if s.is_plain):
            own = {t: to_array(getattr(self.module, a, None)) for a, t in sketch.arguments.items()}
            weights = [own.get(f"W{ell}") for ell in range(1, sketch.layers + 1)]
            if all(w is not None for w in weights):
                sizes += chains([w.shape for w in weights])  # type: ignore[union-attr]
        return list(dict.fromkeys(sizes))

    def _is_own(self, layout: Any, sketch: Sketch) -> bool:
        """Is this the layout of the arrays of the arguments' names in the user's own module, where there are such?"""
        own = {t: to_array(getattr(self.module, a, None)) for a, t in sketch.arguments.items() if isinstance(t, str)}
        shapes = {t: array.shape for t, array in own.items() if array is not None}
        weights = [shapes.get(f"W{ell}", ()) for ell in range(1, sketch.layers + 1)]
        if any(len(w) != 2 for w in weights) or sketch.layers < 2:
            return False
        into, out = (1, 0) if layout.flipped else (0, 1)
        slots = layout.slots((weights[0][into], *(w[out] for w in weights)), sketch.biases)
        return all(shapes.get(slot.tensor, slot.shape) == slot.shape for slot in slots)

    def make(
        self, form: Form, data: Any, arrays: dict[str, Array], rate: float, epochs: int, lift: Callable[[Any], Any]
    ) -> Instance:
        """Arguments that hold these arrays (in the user's layout), as `lift` makes them of arrays."""
        sketch: Sketch = form.how
        seed_everything()
        wholes = arrays if form.bias_first is None else _with_biases(arrays, form)
        wholes = {tensor: lift(array) for tensor, array in wholes.items()}
        order = [p.name for p in parameters_of(self.function)]
        arguments = {a: build(sketch.arguments[a], wholes) for a in sorted(sketch.arguments, key=order.index)}
        root = {**{a: build(t, wholes) for a, t in sketch.of_forward.items()}, **arguments}
        places: dict[str, Place] = {}
        for leaf in of_object(root, lambda kind: kind.__name__ == "SimpleNamespace"):
            for tensor, array in wholes.items():
                if leaf.get() is array:
                    places.setdefault(tensor, leaf)
        places |= {t: Leaf(t, wholes, t) for t in wholes if t not in places}
        if form.bias_first is not None:
            axes = {slot.tensor: int(slot.flipped) for slot in form.slots}
            places = {
                f"{kind}{t[1:]}": Part(whole, axes[t], form.bias_first, kind == "b")  # type: ignore[arg-type]
                for t, whole in places.items()
                for kind in "Wb"
            }
        functions = {self.function.__name__: self.function, **own_functions(self.module, self.function)}
        bare = {names.NOW.sub("", a): value for a, value in root.items()}
        return Instance(root, functions, places, {**bare, **root, **self._by_tensor(wholes)})

    def _by_tensor(self, arrays: dict[str, Array]) -> dict[str, Array]:
        """The arrays by the names that the file's other functions give them (W1, b1 of a forward pass)."""
        functions = own_functions(self.module, self.function).values()
        return {a: arrays[a] for f in functions for a in source.signature(f).parameters if a in arrays}


def _bias_of(weights: Slot) -> Slot:
    """The bias that is an entry of these weights along the axis of the inputs."""
    shape = weights.shape[:1] if weights.flipped else weights.shape[1:]
    return Slot(f"b{weights.tensor[1:]}", weights.canonical[1:], shape)


def _with_biases(arrays: dict[str, Array], form: Form) -> dict[str, Array]:
    """The weights with their biases as first or last entry along the axis of the inputs."""
    wholes = {}
    for slot in (s for s in form.slots if s.tensor[0] == "W"):
        weights, bias = np.asarray(arrays[slot.tensor]), np.asarray(arrays[f"b{slot.tensor[1:]}"])
        axis = int(slot.flipped)
        parts = [np.expand_dims(bias, axis) if weights.ndim > bias.ndim else bias, weights]
        wholes[slot.tensor] = np.concatenate(parts if form.bias_first else parts[::-1], axis=axis)
    return wholes


class ObjectSubject:
    """A class, an instance, a list of layers, or a module with weights at its top level."""

    def __init__(
        self,
        module: ModuleType,
        root: Any,
        path: Path,
        method: str | None = None,
        init: dict[str, Any] | None = None,
        mapping: dict[str, str] | None = None,
    ) -> None:
        """`method` is the one to check, `init` the constructor's arguments, `mapping` tensor → attribute path."""
        self.module, self.root, self.path = module, root, path
        self.method, self.mapping = method, mapping
        self.own = source.is_own(path)
        self.constructor = Constructor(root, path, init or {})
        self.given: dict[str, str] = {}
        own = own_functions(module).values() if isinstance(root, ModuleType) else ()
        self.read = {name for function in own for name in _names_in(function.__code__)}
        """The names that a file's functions read at its top level, or as attributes: no other is theirs."""
        hidden = self.constructor.hidden_layers()
        self.depths = [2, 3, 1, 4] if hidden is None else [hidden + 1]
        if isinstance(root, ModuleType):
            self.depths = [2, 1]
        self.fixed_sizes: list[tuple[int, ...]] = [] if self.constructor.sizeable else self._fixed_sizes()

    @property
    def has_weights(self) -> bool:
        """Can it be made, and are there weights as soon as it is?"""
        try:
            return bool(self._fixed_sizes())
        except (source.UserError, Unreadable):
            return False

    def _fixed_sizes(self) -> list[tuple[int, ...]]:
        """The sizes of weights that are there from the start and follow nothing, in every reading of them."""
        thing = self.constructor.make(next(self.constructor.variants(), {}), (2, 4, 1), None, 0.1, 1)
        return list(dict.fromkeys(s.sizes for s in structures(self.leaves(thing), (None, None), self.mapping)))

    def leaves(self, thing: Any, returned: Any = None, labels: list[str] | None = None) -> list[Leaf]:
        """Every numeric value that the object holds, or what its training returned, by these labels."""
        data = {name for name, role in self.constructor.roles.items() if role in ("x", "y")}
        every = [leaf for leaf in of_object(thing, self.own) if leaf.name not in data]
        if isinstance(thing, ModuleType):
            every = [leaf for leaf in every if leaf.name in self.read or leaf.name.partition("[")[0] in self.read]
        if returned is not None:
            by_label = dict(of_result(returned, labels))
            every = [Leaf(name, by_label, name) for name in by_label]
        return every

    def forms(self, sizes: Sequence[int]) -> Iterator[Form]:
        """Every structure that an object made for these sizes shows; one that is born late where it shows none."""
        failure: Exception | None = None
        shown = False
        for roles in self.constructor.variants():
            asked = tuple(sizes)
            try:
                thing = self.constructor.make(roles, asked, None, 0.1, 1)
                every = list(structures(self.leaves(thing), self._ends(asked), self.mapping))
                if every and any(n in every[0].sizes[1:] for n in asked[:1]) and self.constructor.sizeable:
                    asked = other_inputs(asked, every[0].sizes)
                    thing = self.constructor.make(roles, asked, None, 0.1, 1)
                    every = list(structures(self.leaves(thing), self._ends(asked), self.mapping))
            except (source.UserError, Unreadable) as error:
                failure = failure or error
                continue
            for structure in every:
                shown = True
                if not self.fixed_sizes or structure.sizes == asked:
                    yield _form(structure, (roles, asked))
            if not every:
                shown = True
                yield Form([], asked, False, (roles, asked), born_late=True)
        if not shown:
            raise failure or Unreadable("it cannot be constructed")

    def _ends(self, asked: Sequence[int]) -> tuple[int | None, int | None]:
        roles = set(self.constructor.roles.values())
        into = asked[0] if self.constructor.sizeable and roles & {"inputs_size", "sizes", "x"} else None
        return into, None

    def structure_of(
        self, form: Form, thing: Any, returned: Any = None, labels: list[str] | None = None
    ) -> Structure | None:
        """The structure of that form in an object that has been trained; the first one for a form that is born late."""
        ends = (form.sizes[0], form.sizes[-1] if form.born_late else None)
        leaves = self.leaves(thing, returned, labels)
        by_name = {leaf.name: leaf for leaf in leaves}
        if form.slots and all(form.names.get(slot.tensor) in by_name for slot in form.slots):
            same = Structure({s.tensor: by_name[form.names[s.tensor]] for s in form.slots}, form.sizes, form.flipped)
            if [slot.shape for slot in same.slots] == [slot.shape for slot in form.slots]:
                return same
        every = structures(leaves, ends, self.mapping)
        if form.born_late and not form.slots:
            return max(every, key=lambda s: len(s.places), default=None)
        slots = {slot.tensor: slot.shape for slot in form.slots}
        alike = [s for s in every if s.flipped == form.flipped and {x.tensor: x.shape for x in s.slots} == slots]
        named = (s for s in alike if {t: p.name for t, p in s.places.items()} == form.names)
        return next(named, alike[0] if alike else None)

    def make(
        self, form: Form, data: Any, arrays: dict[str, Array], rate: float, epochs: int, lift: Callable[[Any], Any]
    ) -> Instance:
        """A fresh object with these parameters (in the user's layout), or with its own where they are born late."""
        roles, asked = form.how
        thing = self.constructor.make(roles, asked, data, rate, epochs)
        instance = Instance(thing, callables(thing))
        if form.born_late:
            return instance
        structure = self.structure_of(form, thing)
        if structure is None:
            every = ", ".join(leaf.name for leaf in self.leaves(thing))
            raise Unreadable(f"its weights are of other shapes each time: {every or 'none'}")
        instance.places = structure.places
        for tensor, place in structure.places.items():
            try:
                place.set(arrays[tensor])
            except (TypeError, ValueError) as error:
                raise Unreadable(str(error)) from None
        return instance


def _names_in(code: CodeType) -> Iterator[str]:
    """The names that code reads at the top level of its file, or as attributes, with what is nested in it."""
    yield from code.co_names
    for part in code.co_consts:
        if isinstance(part, CodeType):
            yield from _names_in(part)


def _form(structure: Structure, how: Any) -> Form:
    named = {tensor: place.name for tensor, place in structure.places.items()}
    return Form(structure.slots, structure.sizes, structure.flipped, how, names=named)


Subject = ArgumentSubject | ObjectSubject


def own_functions(module: ModuleType, but: Any = None) -> dict[str, Callable]:
    """The module's own functions."""
    return {
        n: v
        for n, v in vars(module).items()
        if inspect.isfunction(v) and v.__module__ == module.__name__ and v is not but
    }


def callables(thing: Any) -> dict[str, Callable]:
    """What an object, or one of a class, can do, by name; a module's own functions."""
    if isinstance(thing, ModuleType):
        return own_functions(thing)
    by_name: dict[str, Callable] = {}
    for name in dir(thing):
        if name.startswith("__") and name != "__call__":
            continue
        value = getattr(thing, name, None)  # a property may lack what it is made of
        if inspect.ismethod(value) or inspect.isfunction(value):
            by_name[name] = value
    return by_name


class Layers:
    """A list of layer objects as one object: forward through all of them, and ∂L/∂a back through them."""

    def __init__(self, layers: Sequence[Any]) -> None:
        self.layers = list(layers)

    def forward(self, x: Any) -> Any:
        """The last layer's output."""
        for layer in self.layers:
            x = _one_of(layer, names.FORWARD)(x)
        return x

    def backward(self, upstream: Any, learning_rate: float) -> None:
        """Pass ∂L/∂a back through all layers, and update those that have a method for it."""
        for layer in reversed(self.layers):
            method = _one_of(layer, names.BACKWARD)
            takes = [p.name for p in source.signature(method).parameters.values()]
            rate = [learning_rate] if len(takes) > 1 else []
            upstream = method(upstream, *rate)
        for layer in self.layers:
            for name in names.methods([n for n in dir(layer) if not n.startswith("__")], names.UPDATE)[:1]:
                method = getattr(layer, name)
                if callable(method) and len(source.signature(method).parameters) == 1:
                    method(learning_rate)


def is_layer(thing: Any) -> bool:
    """Does it pass rows forward and a gradient back?"""
    named = [n for n in dir(thing) if not n.startswith("__") or n == "__call__"]
    return bool(names.methods(named, names.FORWARD) and names.methods(named, names.BACKWARD)) and not inspect.isclass(
        thing
    )


def _one_of(layer: Any, kind: tuple[str, ...]) -> Callable:
    named = [n for n in dir(layer) if (not n.startswith("__") or n == "__call__") and callable(getattr(layer, n, None))]
    return getattr(layer, names.methods(named, kind)[0])
