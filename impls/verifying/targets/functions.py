"""Targets that are functions of the parameters: gradients(x, y, W1, b1, …), backward(params, x, y), step(…, lr)."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from impls.parameters import Array, Parameters
from impls.verifying.targets import leaves, names, source
from impls.verifying.targets.assign import assign
from impls.verifying.targets.layouts import PARAMETER_LAYOUTS, VECTOR_LAYOUTS, DataLayout, Slot, encode
from impls.verifying.targets.reading import (
    Reading,
    Unreadable,
    data_globals,
    output_among,
    ran_to_the_end,
    rate_globals,
    reading_of_change,
    set_data,
    set_globals,
)
from impls.verifying.targets.signature import Spec, build, read_signature


class FunctionTarget:
    """A function that takes the parameters as arguments."""

    def __init__(self, module: ModuleType, function: Callable, path: Path, order: Sequence[str] | None = None) -> None:
        """`order` names the arguments' roles, x, y, W1, b1, …, where their own names do not tell."""
        self.module, self.function, self.path = module, function, path
        self.signature = inspect.signature(function)
        spec = self._with_forward(read_signature(function, module, order))
        if not spec.layers:
            raise Unreadable("no parameters among the arguments")
        self.spec = spec
        self.layers, self.biases = spec.layers, spec.biases
        self.fixed_sizes: tuple[int, ...] | None = None
        self.own_data = data_globals(module)
        self._lift: Callable[[Any], Any] | None = None
        self.names = {**{t: a for a, t in spec.roles.items() if t[0] in "Wb" and t[1:].isdigit()}}
        self.takes_rate = "rate" in spec.roles.values() or bool(list(rate_globals(module)))

    def _with_forward(self, spec: Spec) -> Spec:
        """A backward function that is given the forward pass's results may leave out parameters that this takes."""
        forward = self._forward_function()
        if forward is None or not {"middle", "cache", "output", "upstream"} & set(spec.roles.values()):
            return spec
        whole = read_signature(forward, self.module, None)
        if whole.layers < max(spec.layers, 1) or (spec.templates and spec.layers):
            return spec
        roles = {a: whole.roles.get(a, r) if r[1:].isdigit() else r for a, r in spec.roles.items()}
        return Spec(roles, spec.templates, whole.layers, whole.biases, whole.templates)

    def attempts(self, sizes: Sequence[int]) -> Iterator[list[Slot]]:
        """The layouts that the parameters may have, likeliest first."""
        layouts = [*PARAMETER_LAYOUTS]
        layouts[:0] = self._own_layout(layouts)
        if sizes[-1] == 1:
            layouts += VECTOR_LAYOUTS
        seen = []
        for layout in layouts:
            slots = layout.slots(sizes, self.biases)
            if slots not in seen:
                seen.append(slots)
                yield slots

    def _own_layout(self, layouts) -> list:
        """The layout of the arrays of the arguments' names in the user's own module, where there are such."""
        own = {t: getattr(self.module, a) for a, t in self.spec.roles.items() if hasattr(self.module, a)}
        shapes = {t: array.shape for t, v in own.items() if (array := leaves.to_array(v)) is not None}
        weights = [shapes.get(f"W{ell}", ()) for ell in range(1, self.layers + 1)]
        if any(len(w) != 2 for w in weights) or self.layers < 2:
            return []
        sizes = (weights[0][0], *(w[1] for w in weights))
        flipped_sizes = (weights[0][1], *(w[0] for w in weights))
        fitting = []
        for layout in layouts:
            of_own = flipped_sizes if layout.flipped else sizes
            slots = layout.slots(of_own, self.biases)
            if all(shapes.get(slot.tensor, slot.shape) == slot.shape for slot in slots):
                fitting.append(layout)
        return fitting if len({layout.flipped for layout in fitting}) == 1 else []

    def observe(
        self, slots: list[Slot], data: DataLayout, parameters: Parameters, x: Array, y: Array, rate: float
    ) -> Reading:
        """Call the function once. Raises UserError, or Unreadable where what it returns holds no gradients."""
        given = encode(slots, parameters)
        failure: Exception | None = None
        for lift in self._lifts():
            for template in self._templates():
                try:
                    reading = self._call(slots, data, given, template, x, y, rate, lift)
                    self._lift = lift
                    return reading
                except (source.UserError, Unreadable) as error:
                    failure = failure or error
        raise failure or Unreadable("it takes no parameters")

    def _lifts(self) -> list[Callable[[Any], Any]]:
        """NumPy arrays as they are; then, for a file that imports torch, tensors. What has worked is kept to."""
        if self._lift is not None:
            return [self._lift]
        lifts: list[Callable[[Any], Any]] = [lambda array: array]
        if any(getattr(value, "__name__", "") == "torch" for value in vars(self.module).values()):
            import torch

            lifts.append(lambda array: torch.tensor(array))
        return lifts

    def _templates(self) -> Iterator[dict[str, Any]]:
        if not self.spec.templates:
            yield {}
            return
        count = max(len(t) for t in self.spec.templates.values())
        for index in range(count):
            yield {a: t[min(index, len(t) - 1)] for a, t in self.spec.templates.items()}

    def _call(self, slots, data, given, template, x, y, rate, lift) -> Reading:
        ux, uy = (lift(array) for array in data.encode(x, y))
        first = {name: lift(array.copy()) for name, array in given.items()}
        arguments = {a: build(t, first) for a, t in template.items()}
        known = {"x": ux, "y": uy, "rate": rate, "epochs": 1, "batch": len(x), "seed": 0, "quiet": False}
        for argument, role in self.spec.roles.items():
            if role in first:
                arguments[argument] = first[role]
        set_globals(self.module, rate)
        set_data(self.module, self.own_data, ux, uy)
        predictions = None
        needs_forward = {a: r for a, r in self.spec.roles.items() if r in ("cache", "output", "upstream", "middle")}
        if needs_forward:
            environment, predictions = self._forward(known, arguments, first, data, x, y)
            known.update(environment.pop("roles", {}))
            for argument, role in needs_forward.items():
                if argument in environment:
                    arguments[argument] = environment[argument]
                elif role in known:
                    arguments[argument] = known[role]
                else:
                    raise Unreadable(
                        f"its argument {argument!r} is not known: neither x, y, a parameter nor a learning rate, and "
                        "no forward function of the file returns it; say what they are: --arguments x,y,W1,b1,…"
                    )
        for argument, role in self.spec.roles.items():
            if argument not in arguments and role in known:
                arguments[argument] = known[role]
        shown = {n: np.array(leaves.to_array(a)) for n, a in first.items()}
        result = self._invoke(self.function, arguments)
        after = {n: np.array(leaves.to_array(a)) for n, a in first.items()}
        reading = self._read(result, slots, shown, after, rate, arguments)
        if predictions is None:
            predictions = self._predict(known, arguments, first, data, x, y)
        reading.predictions = predictions
        reading.loss_is_given = "upstream" in self.spec.roles.values()
        return reading

    def _invoke(self, function: Callable, arguments: dict[str, Any]) -> Any:
        """Call with arguments by name (positional-only ones by place)."""
        positional, named = [], {}
        for name, parameter in inspect.signature(function).parameters.items():
            if name in arguments:
                if parameter.kind is parameter.POSITIONAL_ONLY:
                    positional.append(arguments[name])
                elif parameter.kind is not parameter.VAR_KEYWORD and parameter.kind is not parameter.VAR_POSITIONAL:
                    named[name] = arguments[name]
        with source.own_errors(self.path), np.errstate(all="ignore"):
            return function(*positional, **named)

    def _read(self, result, slots, before, after, rate, arguments) -> Reading:
        """Gradients from what was returned, or from what was changed in place, or from returned new parameters."""
        moved = any(not np.array_equal(before[n], after[n]) for n in before)
        named = list(leaves.of_result(result, source.returned_names(self.function)))
        found = assign(named, slots)
        if moved and not (found and found.labelled):
            return reading_of_change(slots, before, after, rate, self.takes_rate)
        if found is None:
            raise ran_to_the_end(_nothing_found(named, slots))
        if not found.labelled and self._returns_updates(found.gradients, before, arguments, slots, rate):
            new = {n: np.asarray(found.gradients.get(n, before[n])) for n in before}
            reading = reading_of_change(slots, before, new, rate, self.takes_rate)
            reading.loss = found.loss
            return reading
        gradients = {
            slot.tensor: slot.decode(found.gradients[slot.tensor]) for slot in slots if slot.tensor in found.gradients
        }
        absent = [slot.tensor for slot in slots if slot.tensor not in gradients]
        gradients.update({slot.tensor: np.zeros(slot.canonical) for slot in slots if slot.tensor in absent})
        dtypes = {v.dtype for v in found.gradients.values()}
        return Reading(
            gradients,
            "returned",
            loss=found.loss,
            dtype="float32" if dtypes and all(d == np.float32 for d in dtypes) else "float64",
            absent=absent,
        )

    def _returns_updates(self, found, before, arguments, slots, rate) -> bool:
        """Are these the parameters after a step? Then they come near to those before as the rate goes to zero."""
        if any(np.shape(found[n]) != before[n].shape for n in found):
            return False
        argument = next((a for a, r in self.spec.roles.items() if r == "rate"), None)
        if argument is None and not list(rate_globals(self.module)):
            return any(
                word in self.function.__name__.lower() for word in ("step", "update", "train", "sgd", "descent", "fit")
            )
        again = dict(arguments)
        fresh = {n: a.copy() for n, a in before.items()}
        for name, role in self.spec.roles.items():
            if role in fresh:
                again[name] = fresh[role]
        set_globals(self.module, rate / 1024)
        if argument:
            again[argument] = rate / 1024
        second = assign(
            list(leaves.of_result(self._invoke(self.function, again), source.returned_names(self.function))), slots
        )
        set_globals(self.module, rate)
        if second is None:
            return False
        shared = [n for n in found if n in second.gradients and np.shape(second.gradients[n]) == before[n].shape]
        whole, part = (sum(float(np.sum((g[n] - before[n]) ** 2)) for n in shared) for g in (found, second.gradients))
        return bool(shared) and part <= whole / 100**2

    def _forward(self, known, arguments, first, data, x, y) -> tuple[dict[str, Any], Array | None]:
        """Run the file's own forward function and name what it returns."""
        function = self._forward_function()
        if function is None:
            return {}, None
        result = self._run_forward(function, known, arguments, first)
        labels = source.returned_names(function) or []
        environment: dict[str, Any] = {}
        parts = list(result) if isinstance(result, tuple | list) else [result]
        if len(labels) == len(parts):
            environment.update(zip(labels, parts, strict=True))
        if isinstance(result, dict):
            environment.update(result)
        predictions, raw = output_among(result, data, x, y)
        roles: dict[str, Any] = {}
        if raw is not None:
            roles["output"] = raw
            encoded = data.encode(x, 2 / y.size * (predictions - y))[1]
            roles["upstream"] = np.asarray(encoded).reshape(np.shape(raw))
        others = [p for p in parts if p is not raw and not np.isscalar(p)]
        roles["cache"] = others[0] if isinstance(result, tuple) and len(others) == 1 else result
        environment["roles"] = roles
        return environment, predictions

    def _predict(self, known, arguments, first, data, x, y) -> Array | None:
        """What the file's forward function predicts, if it has one that can be called."""
        function = self._forward_function()
        if function is None:
            return None
        try:
            return output_among(self._run_forward(function, known, arguments, first), data, x, y)[0]
        except (source.UserError, Unreadable):
            return None

    def _run_forward(self, function, known, arguments, first) -> Any:
        spec = read_signature(function, self.module, None)
        call = {}
        for argument, role in spec.roles.items():
            if role in first:
                call[argument] = first[role]
            elif role in known:
                call[argument] = known[role]
        for argument in inspect.signature(function).parameters:
            if argument in arguments:
                call[argument] = arguments[argument]
        containers = [a for a in spec.templates if a not in call]
        for argument in containers:
            ours = next(iter(a for a in self.spec.templates), None)
            call[argument] = arguments[ours] if ours else build(spec.templates[argument][0], first)
        return self._invoke(function, call)

    def _forward_function(self) -> Callable | None:
        functions = [n for n, v in vars(self.module).items() if inspect.isfunction(v) and v is not self.function]
        found = names.methods(functions, names.FORWARD)
        return getattr(self.module, found[0]) if found else None


def _nothing_found(named, slots) -> str:
    shapes = ", ".join(f"{n or 'a value'} {v.shape}" for n, v in named) or "nothing numeric"
    wanted = ", ".join(f"{slot.tensor} {slot.shape}" for slot in slots)
    return f"it returned {shapes}; the gradients of {wanted} are expected, as a tuple, list or dictionary"
