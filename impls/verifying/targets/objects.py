"""Targets that keep their weights: classes and objects with a forward and a backward or train method, and whole files
whose functions work on global weights."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from impls.parameters import Array, Layer, Parameters
from impls.verifying import probe
from impls.verifying.targets import leaves, names, source
from impls.verifying.targets.assign import assign
from impls.verifying.targets.constructor import Constructor
from impls.verifying.targets.layouts import DataLayout, Slot
from impls.verifying.targets.leaves import Leaf
from impls.verifying.targets.methods import Methods
from impls.verifying.targets.reading import (
    Reading,
    Unreadable,
    data_globals,
    ran_to_the_end,
    rate_globals,
    reading_of_change,
    set_data,
    set_globals,
)
from impls.verifying.targets.structure import chain_sizes, orientations, parameters_among


class ObjectTarget:
    """A class, an instance, or a module with weights at its top level."""

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
        self.method, self.mapping = method, mapping or {}
        self.own_data = data_globals(module)
        self.constructor = Constructor(root, path, init or {})
        self.sizeable = self.constructor.sizeable
        self.fixed_sizes: tuple[int, ...] | None = None
        self.takes_rate = False
        self.born_late = False
        """Are the weights made by the training method itself?"""
        self.names: dict[str, str] = {}
        self._learn_structure()

    def make(self, sizes: Sequence[int], data: tuple[Any, Any] | None) -> Any:
        """A fresh object of these layer sizes (or a copy of the user's own). Raises UserError, Unreadable."""
        return self.constructor.make(sizes, data)

    # -- structure ------------------------------------------------------------------------------------------------

    def _learn_structure(self) -> None:
        """Make one object and find its weights, its biases and the sizes between them."""
        tries: list[tuple[int, ...]] = [(2, 4, 1)]
        if self.sizeable:
            tries = [probe.general_sizes(self.constructor.hidden_layers() + 1), (2, 4, 1)]
        failure: Exception | None = None
        for sizes in tries:
            try:
                thing = self.make(sizes, None)
                break
            except source.UserError as error:
                failure = failure or error
        else:
            raise failure or Unreadable("it cannot be constructed")
        self.sizes_tried = sizes
        if not self._find_parameters(thing, sizes):
            self._born_late(sizes)

    def _find_parameters(self, thing: Any, sizes: Sequence[int]) -> bool:
        found = self.parameter_leaves(thing)
        weights = [leaf for tensor, leaf in found.items() if tensor[0] == "W"]
        if not weights:
            return False
        shapes = [leaf.array().shape for leaf in weights]
        self.layers = len(weights)
        self.biases = [f"b{ell}" in found for ell in range(1, self.layers + 1)]
        self.names = {tensor: leaf.name for tensor, leaf in found.items()}
        self.orientations = orientations(shapes, sizes if self.sizeable else None)
        if not self.orientations:
            raise Unreadable(
                f"the weights {', '.join(f'{leaf.name} {leaf.array().shape}' for leaf in weights)} do not chain into a "
                "network; say which is which: --parameters W1=…,b1=…,W2=…,b2=…"
            )
        chain = chain_sizes(shapes, self.orientations[0])
        if not self.sizeable or tuple(sizes) != chain:
            self.fixed_sizes = None if self.sizeable and self._resizes(chain) else chain
        return True

    def _resizes(self, chain: tuple[int, ...]) -> bool:
        """Do the weights follow the sizes that the constructor is given, at least at the ends?"""
        return chain[0] == self.sizes_tried[0] and chain[-1] == self.sizes_tried[-1]

    def _born_late(self, sizes: Sequence[int]) -> None:
        """Weights that only appear when the object is trained: run it once and look again."""
        last: Exception | None = None
        for layers_sizes in (probe.general_sizes(1), (4, 1), tuple(sizes), (4, 5, 1)):
            for layout in (DataLayout("rows"), DataLayout("flat targets")):
                try:
                    _, x, y = probe.make(layers_sizes, 7, 0, [True] * (len(layers_sizes) - 1))
                    data = layout.encode(x, y)
                    thing = self.make(layers_sizes, data)
                    self._train(thing, data, x, y, layout, probe.RATE)
                    self.born_late = True
                    if self._find_parameters(thing, layers_sizes):
                        self.late_layout = layout
                        return
                except (source.UserError, Unreadable, ValueError) as error:
                    last = error
        if isinstance(last, source.UserError):
            raise last
        raise Unreadable(
            "no weights were found: no attribute is called like one (W1, weights, bias, …); "
            "say which they are: --parameters W1=…,b1=…,W2=…,b2=…"
        )

    def parameter_leaves(self, thing: Any) -> dict[str, Leaf]:
        """Tensor → where the object keeps it."""
        home = self.module.__name__
        every = list(leaves.of_object(thing, home))
        if self.mapping:
            by_name = {leaf.name: leaf for leaf in every}
            missing = [n for n in self.mapping.values() if n not in by_name]
            if missing:
                raise Unreadable(
                    f"--parameters names {missing[0]!r}, but there are: {', '.join(by_name) or 'no arrays'}"
                )
            return {tensor: by_name[name] for tensor, name in self.mapping.items()}
        if self.names:
            by_name = {leaf.name: leaf for leaf in every}
            if all(name in by_name for name in self.names.values()):
                return {tensor: by_name[name] for tensor, name in self.names.items()}
        return parameters_among(every, is_module=isinstance(thing, ModuleType))

    def slots(self, thing: Any, flipped: bool) -> list[Slot]:
        found = self.parameter_leaves(thing)
        shapes = {tensor: leaf.array().shape for tensor, leaf in found.items()}
        sizes = chain_sizes([shapes[f"W{ell}"] for ell in range(1, self.layers + 1)], flipped)
        slots = []
        for ell, (fan_in, fan_out) in enumerate(itertools.pairwise(sizes), start=1):
            shape = shapes[f"W{ell}"]
            slots.append(Slot(f"W{ell}", (fan_in, fan_out), shape, flipped and len(shape) == 2))
            if f"b{ell}" in found:
                slots.append(Slot(f"b{ell}", (fan_out,), shapes[f"b{ell}"]))
        for slot in slots:
            if slot.tensor[0] == "b" and np.prod(slot.shape) != np.prod(slot.canonical):
                raise Unreadable(
                    f"the bias {found[slot.tensor].name} {slot.shape} does not fit {slot.canonical[0]} units; "
                    "say which is which: --parameters W1=…,b1=…,W2=…,b2=…"
                )
        return slots

    # -- observation ----------------------------------------------------------------------------------------------

    def attempts(self, sizes: Sequence[int]) -> Iterator[bool]:
        yield from self.orientations

    def observe(
        self,
        flipped: bool,
        data: DataLayout,
        parameters: Parameters,
        x: Array,
        y: Array,
        rate: float,
        times: int = 1,
    ) -> Reading:
        """Make an object, give it the parameters, let it learn once, and read the gradients off it.

        With `times` the same object does so again and again, from the same parameters, and the last time is read.
        """
        encoded = data.encode(x, y)
        sizes = (x.shape[1], *(len(layer.b) for layer in parameters))
        if self.born_late:
            return self._observe_late(sizes, encoded, data, x, y, rate, flipped)
        thing = self.make(sizes, encoded)
        for _ in range(times):
            reading = self._observe_once(thing, flipped, encoded, data, parameters, x, y, rate)
        return reading

    def _observe_once(self, thing, flipped, encoded, data, parameters, x, y, rate) -> Reading:
        slots = self.slots(thing, flipped)
        methods = Methods(thing, self.path)
        if clear := methods.first(names.CLEAR):
            with source.own_errors(self.path):
                methods.by_name[clear]()
        expected = {slot.tensor: slot.canonical for slot in slots}
        for ell, (W, _) in enumerate(parameters, start=1):
            if expected[f"W{ell}"] != W.shape:
                raise Unreadable(f"{self.names[f'W{ell}']} is for other layer sizes")
        before = {}
        found = self.parameter_leaves(thing)
        values = {f"{k}{n}": v for n, layer in enumerate(parameters, start=1) for k, v in zip("Wb", layer, strict=True)}
        for slot in slots:
            leaf = found[slot.tensor]
            try:
                leaf.set(slot.encode(values[slot.tensor]))
            except TypeError as error:
                raise Unreadable(str(error)) from None
            before[slot.tensor] = leaf.array()
        known = self._set_rate(thing, rate)
        set_data(self.module, self.own_data, *encoded)
        result, predictions, used_rate, upstream = self._learn(thing, encoded, x, y, data, rate, found, before)
        after = {tensor: _reread(self.parameter_leaves(thing), tensor, found) for tensor in before}
        known = known or used_rate
        moved = any(after[t].shape != before[t].shape or not np.array_equal(after[t], before[t]) for t in before)
        if moved:
            reading = reading_of_change(slots, before, after, rate, known)
            reading.loss = _loss_of(result)
        else:
            reading = self._returned(result, thing, slots, self._main)
        reading.predictions, reading.loss_is_given = predictions, upstream
        reading.parameters = _canonical(slots, before) if any(b.dtype == np.float32 for b in before.values()) else None
        if all(b.dtype == np.float32 for b in before.values()):
            reading.dtype = "float32"
        return reading

    def _observe_late(self, sizes, encoded, data, x, y, rate, flipped) -> Reading:
        """The weights are made while training: their first values are those after a step of learning rate zero."""
        states = []
        for this_rate in (0.0, rate):
            thing = self.make(sizes, encoded)
            known = self._set_rate(thing, this_rate)
            np.random.seed(0)
            used = self._train(thing, encoded, x, y, data, this_rate)
            states.append((thing, known or used))
        (first, known), (second, _) = states
        if not known:
            raise Unreadable(
                "the weights are made while training, and there is no learning rate to set to zero to see their first "
                "values; make the weights in __init__, or give --parameters"
            )
        slots = self.slots(first, flipped)
        before: dict[str, Array] = {
            t: leaf.array().astype(np.float64) for t, leaf in self.parameter_leaves(first).items()
        }
        after = {t: leaf.array() for t, leaf in self.parameter_leaves(second).items()}
        reading = reading_of_change(slots, before, after, rate, True)
        reading.parameters = _canonical(slots, before)
        return reading

    def _set_rate(self, thing: Any, rate: float) -> bool:
        """Set the learning rate, and one epoch, where the object or its file keeps them. Was there a rate?"""
        known = False
        if not isinstance(thing, ModuleType):
            held = {**vars(type(thing)), **getattr(thing, "__dict__", {})}
            for key, value in held.items():
                role = names.role(key, ("rate", "epochs"))
                if role and isinstance(value, float | int) and not isinstance(value, bool):
                    setattr(thing, key, rate if role == "rate" else 1)
                    known = known or role == "rate"
        known = bool(list(rate_globals(self.module))) or known
        set_globals(self.module, rate)
        return known

    def _learn(self, thing, encoded, x, y, data, rate, found, before) -> tuple[Any, Array | None, bool, bool]:
        """Forward, then backward, then update if nothing has moved; or the training method alone.

        Returns (what the decisive call returned, predictions, was a learning rate handed over, was ∂L/∂a).
        """
        methods = Methods(thing, self.path)
        forward = methods.first(names.FORWARD, but=[self.method or ""])
        raw, predictions = methods.forward(forward, encoded, x, y, data) if forward else (None, None)
        main = (
            self.method
            or methods.first(names.BACKWARD, but=[forward or ""])
            or methods.first((*names.TRAIN, *names.UPDATE), but=[forward or ""])
            or methods.with_targets(but=names.methods(list(methods.by_name), names.FORWARD))
        )
        if main is None:
            raise ran_to_the_end(
                f"no method is called like backward or train; there are: {', '.join(methods.by_name) or 'none'}. "
                "Say which: file.py:Class.method"
            )
        known = _known(encoded, x, rate)
        if raw is not None:
            upstream = np.asarray(data.encode(x, 2 / y.size * (predictions - y))[1]).reshape(np.shape(raw))
            known |= {"output": raw, "upstream": upstream, "cache": methods.cache}
        self._main = methods.by_name[main]
        result, roles = methods.call(main, known)
        used_rate = "rate" in roles
        moved = any(not np.array_equal(_reread(self.parameter_leaves(thing), t, found), before[t]) for t in before)
        if not moved and not self._has_gradients(result, thing, self._main):
            update = methods.first(names.UPDATE, but=[main, forward or ""])
            train = methods.first(names.TRAIN, but=[main, forward or ""])
            if update:
                result, more = methods.call(update, known | {"result": result}, gradients=result)
                used_rate = used_rate or "rate" in more
            elif train and self.method is None:
                result, more = methods.call(train, known)
                used_rate, roles, self._main = "rate" in more, more, methods.by_name[train]
        return result, predictions, used_rate, "upstream" in roles

    def _train(self, thing, encoded, x, y, data, rate) -> bool:
        """Call the training method alone. Was a learning rate handed over?"""
        methods = Methods(thing, self.path)
        main = self.method or methods.first((*names.TRAIN, *names.BACKWARD, *names.UPDATE))
        if main is None:
            raise Unreadable(
                f"no method is called like train or fit; there are: {', '.join(methods.by_name) or 'none'}"
            )
        _, roles = methods.call(main, _known(encoded, x, rate))
        return "rate" in roles or "rate" in self.constructor.roles.values()

    def _has_gradients(self, result: Any, thing: Any, method: Callable) -> bool:
        try:
            self._returned(result, thing, self.slots(thing, self.orientations[0]), method)
            return True
        except Unreadable:
            return False

    def _returned(self, result: Any, thing: Any, slots: list[Slot], method: Callable | None = None) -> Reading:
        """Gradients among what was returned, or else among the object's attributes."""
        labels = source.returned_names(method) if method else None
        sources = [list(leaves.of_result(result, labels))]
        held = [(leaf.name, leaf.array()) for leaf in leaves.of_object(thing, self.module.__name__)]
        sources.append([(n, v) for n, v in held if (t := names.tensor(n)) and t.gradient])
        for named in sources:
            found = assign(named, slots) if named else None
            if found:
                gradients = {
                    s.tensor: s.decode(found.gradients[s.tensor]) for s in slots if s.tensor in found.gradients
                }
                absent = [s.tensor for s in slots if s.tensor not in gradients]
                gradients.update({s.tensor: np.zeros(s.canonical) for s in slots if s.tensor in absent})
                loss = found.loss if found.loss is not None else _loss_of(result)
                kinds = {v.dtype for v in found.gradients.values()}
                dtype = "float32" if kinds == {np.dtype("float32")} else "float64"
                return Reading(gradients, "returned", loss=loss, absent=absent, dtype=dtype)
        raise ran_to_the_end(
            "the weights did not change and no gradients were returned or kept in attributes (dW1, grad_b1, …); "
            "say which method learns: file.py:Class.method"
        )


def _known(encoded: tuple[Any, Any], x: Array, rate: float) -> dict[str, Any]:
    """What a method may ask for, by role."""
    return {
        "x": encoded[0],
        "y": encoded[1],
        "rate": rate,
        "epochs": 1,
        "batch": len(x),
        "seed": 0,
        "quiet": False,
    }


def _loss_of(result: Any) -> float | None:
    array = leaves.to_array(result)
    return float(array.item()) if array is not None and array.size == 1 else None


def _reread(now: dict[str, Leaf], tensor: str, old: dict[str, Leaf]) -> Array:
    """The tensor's array after a call; a shape may have changed so much that it is no longer found by its place."""
    return (now.get(tensor) or old[tensor]).array()


def _canonical(slots: Sequence[Slot], arrays: dict[str, Array]) -> Parameters:
    values = {slot.tensor: slot.decode(arrays[slot.tensor]) for slot in slots}
    layers = sum(slot.tensor[0] == "W" for slot in slots)
    return [
        Layer(values[f"W{ell}"], values.get(f"b{ell}", np.zeros(values[f"W{ell}"].shape[1])))
        for ell in range(1, layers + 1)
    ]
