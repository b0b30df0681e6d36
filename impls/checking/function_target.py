"""Targets that are functions of the parameters: gradients(x, y, W1, b1, …), backward(params, x, y), step(…, lr)."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np

from impls.checking import leaves, names, source
from impls.checking.assign import assign
from impls.checking.layouts import PARAMETER_LAYOUTS, VECTOR_LAYOUTS, DataLayout, Slot, encode
from impls.parameters import Array, Parameters

ROLES = ("x", "y", "rate", "epochs", "params", "cache", "output", "upstream", "batch", "seed", "quiet")


class Unreadable(Exception):
    """The target was called, but no gradients could be found in what it did; the message says what to change."""

    depth = 0
    """How far the target got, in the units of `UserError`: its last line if it ran to its end."""


def ran_to_the_end(message: str) -> Unreadable:
    error = Unreadable(message)
    error.depth = 10**9
    return error


@dataclass
class Reading:
    """What one call of a target gave, in the canonical layout."""

    gradients: dict[str, Array]
    kind: str
    """"returned", or "update" where they were recovered from the change of the parameters."""
    slack: dict[str, Array] = field(default_factory=dict)
    loss: float | None = None
    predictions: Array | None = None
    dtype: str = "float64"
    absent: list[str] = field(default_factory=list)
    """Parameters for which nothing was returned."""
    rate_known: bool = True
    loss_is_given: bool = False
    """The target was handed ∂L/∂a of the mean squared error."""
    parameters: Parameters | None = None
    """Where the target chose its own."""
    sequential: bool = False


@dataclass
class Spec:
    """How to call the function: a role for every argument."""

    roles: dict[str, str]
    """argument → role, or the tensor's name."""
    templates: dict[str, list[Any]]
    """container argument → nested structures of tensor names, to be tried in turn."""
    layers: int
    biases: list[bool]
    of_forward: dict[str, list[Any]] = field(default_factory=dict)
    """The containers that only the forward function takes."""


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
        """A backward function that is given the forward pass's results may leave out parameters that the latter takes."""
        forward = self._forward_function()
        if forward is None or not {"middle", "cache", "output", "upstream"} & set(spec.roles.values()):
            return spec
        whole = read_signature(forward, self.module, None)
        if whole.layers < max(spec.layers, 1) or spec.templates and spec.layers:
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
        weights = [shapes.get(f"W{l}") for l in range(1, self.layers + 1)]
        if any(w is None or len(w) != 2 for w in weights) or self.layers < 2:
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

    def observe(self, slots: list[Slot], data: DataLayout, parameters: Parameters, x: Array, y: Array, rate: float) -> Reading:
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
        arguments = {a: _build(t, first) for a, t in template.items()}
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
                        f"its argument {argument!r} is not known: neither x, y, a parameter nor a learning rate, and no "
                        f"forward function of the file returns it; say what the arguments are: --arguments x,y,W1,b1,…"
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
        gradients = {slot.tensor: slot.decode(found.gradients[slot.tensor]) for slot in slots if slot.tensor in found.gradients}
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
        """Are these the parameters after a step? Then they come near to those before, as the learning rate goes to zero."""
        if any(np.shape(found[n]) != before[n].shape for n in found):
            return False
        argument = next((a for a, r in self.spec.roles.items() if r == "rate"), None)
        if argument is None and not list(rate_globals(self.module)):
            return any(word in self.function.__name__.lower() for word in ("step", "update", "train", "sgd", "descent", "fit"))
        again = dict(arguments)
        fresh = {n: a.copy() for n, a in before.items()}
        for name, role in self.spec.roles.items():
            if role in fresh:
                again[name] = fresh[role]
        set_globals(self.module, rate / 1024)
        if argument:
            again[argument] = rate / 1024
        second = assign(list(leaves.of_result(self._invoke(self.function, again), source.returned_names(self.function))), slots)
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
        predictions, raw = _output_among(result, data, x, y)
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
            return _output_among(self._run_forward(function, known, arguments, first), data, x, y)[0]
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
            call[argument] = arguments[ours] if ours else _build(spec.templates[argument][0], first)
        return self._invoke(function, call)

    def _forward_function(self) -> Callable | None:
        functions = [n for n, v in vars(self.module).items() if inspect.isfunction(v) and v is not self.function]
        found = names.methods(functions, names.FORWARD)
        return getattr(self.module, found[0]) if found else None


def _output_among(result: Any, data: DataLayout, x: Array, y: Array) -> tuple[Array | None, Any]:
    """The predictions among what a forward pass returned: the first of a pair with a cache, the last of a list of arrays."""
    parts = list(result.values()) if isinstance(result, dict) else list(result) if isinstance(result, tuple | list) else [result]
    if isinstance(result, tuple) and any(isinstance(p, dict | tuple | list) for p in parts):
        parts = [p for p in parts if not isinstance(p, dict | tuple | list)] or list(_tail(parts))
    for part in reversed(parts):
        array = leaves.to_array(part[-1] if isinstance(part, list) and part else part)
        if array is not None and (found := data.predictions(array, *y.shape)) is not None:
            return found, part
    return None, None


def _tail(parts: list) -> Iterator[Any]:
    for part in parts:
        yield from part.values() if isinstance(part, dict) else part


def reading_of_change(slots: Sequence[Slot], before: dict[str, Array], after: dict[str, Array], rate: float, known: bool) -> Reading:
    """g = (p − p′)/rate, with the bound on the rounding of the step and of the subtraction.

    p′ = fl(p − fl(rate·g)) is within u|p′| + u·rate|g| of exact, and p − p′ is exact where the two are near each other
    (Sterbenz) and within u|p − p′| otherwise; so g is within u(|p′| + 2|p − p′|)/rate, doubled for an update in two parts.
    """
    rate = rate if known else 1.0
    gradients, slack, dtypes = {}, {}, set()
    for slot in slots:
        p, new = before[slot.tensor], after[slot.tensor]
        dtypes.add(new.dtype)
        u = np.finfo(new.dtype if new.dtype.kind == "f" else np.float64).eps / 2
        with np.errstate(all="ignore"):
            change = p.astype(np.float64) - new.astype(np.float64)
        gradients[slot.tensor] = slot.decode(change / rate)
        if change.shape == p.shape:
            slack[slot.tensor] = slot.decode(2 * u * (abs(p) + abs(new) + 2 * abs(change)) / rate)
    return Reading(
        gradients, "update", slack, dtype="float32" if dtypes == {np.dtype("float32")} else "float64", rate_known=known
    )


def rate_globals(module: ModuleType) -> Iterator[str]:
    for name, value in vars(module).items():
        if isinstance(value, float | int) and not isinstance(value, bool) and names.role(name, ("rate",)):
            yield name


def set_globals(module: ModuleType, rate: float) -> None:
    """Give the file's own constants for the learning rate and the number of epochs our values."""
    for name in list(rate_globals(module)):
        setattr(module, name, rate)
    for name, value in list(vars(module).items()):
        if isinstance(value, int) and not isinstance(value, bool) and names.role(name, ("epochs",)):
            setattr(module, name, 1)


def data_globals(module: ModuleType) -> dict[str, str]:
    """The file's own arrays of inputs and targets: name → x or y."""
    arrays = {n: v for n, v in vars(module).items() if isinstance(v, np.ndarray) and v.dtype.kind in "fiub"}
    return {name: role for name in arrays if (role := names.role(name, ("x", "y")))}


def set_data(module: ModuleType, own: dict[str, str], x: Any, y: Any) -> None:
    """Put the probe's rows in the place of the file's own, for functions that read those instead of arguments."""
    for name, role in own.items():
        setattr(module, name, x if role == "x" else y)


def _nothing_found(named, slots) -> str:
    shapes = ", ".join(f"{n or 'a value'} {v.shape}" for n, v in named) or "nothing numeric"
    wanted = ", ".join(f"{slot.tensor} {slot.shape}" for slot in slots)
    return f"it returned {shapes}; the gradients of {wanted} are expected, as a tuple, list or dictionary"


def _build(template: Any, arrays: dict[str, Array]) -> Any:
    """Put the arrays in the place of the tensors' names."""
    if isinstance(template, str):
        return arrays.get(template)
    if isinstance(template, dict):
        return {key: _build(value, arrays) for key, value in template.items()}
    if isinstance(template, SimpleNamespace):
        return SimpleNamespace(**{key: _build(value, arrays) for key, value in vars(template).items()})
    if template == _FLAT:
        return np.concatenate([array.ravel() for array in arrays.values()])
    return type(template)(_build(value, arrays) for value in template)


_FLAT = ("flat",)


def read_signature(function: Callable, module: ModuleType, order: Sequence[str] | None) -> Spec:
    """Roles for the arguments, from `order` or from their names. Without layers if no parameter is among them."""
    parameters = [
        p for p in inspect.signature(function).parameters.values() if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)
    ]
    arguments = [p.name for p in parameters if p.name != "self"]
    roles: dict[str, str] = {}
    tensors_found: list[tuple[str, names.Tensor]] = []
    containers: list[str] = []
    for position, argument in enumerate(arguments):
        if order and position < len(order):
            roles[argument] = order[position]
            continue
        read = names.tensor(argument)
        usage = source.used_as(function, argument)
        guess = names.role(argument, ROLES)
        if usage == "flat" and (read or guess == "params"):
            containers.append(argument)
            roles[argument] = "params"
        elif read and not read.gradient and (usage == "array" or re_digits(argument)):
            tensors_found.append((argument, read))
        elif read and not read.gradient and usage in ("dict", "list", "object") or guess == "params" and usage != "array":
            containers.append(argument)
            roles[argument] = "params"
        elif guess:
            roles[argument] = guess
        else:
            default = next(p.default for p in parameters if p.name == argument)
            roles[argument] = "default" if default is not inspect.Parameter.empty else "middle"
    _settle_outputs(roles)
    for kind in "Wb":
        mine = sorted((t.rank, i, a) for i, (a, t) in enumerate(tensors_found) if t.kind == kind)
        for number, (rank, _, argument) in enumerate(mine, start=1):
            roles[argument] = f"{kind}{number}"
    _biases_by_rank(roles, tensors_found)
    if not containers and not any(r[0] == "W" for r in roles.values()):
        containers = [a for a, r in roles.items() if r == "params"]
    if containers:
        return _with_containers(function, module, roles, containers)
    layers = sum(r[0] == "W" and r[1:].isdigit() for r in roles.values())
    biases = [f"b{l}" in roles.values() for l in range(1, layers + 1)]
    return Spec(roles, {}, layers, biases)


def re_digits(name: str) -> bool:
    return any(c.isdigit() for c in name)


def _settle_outputs(roles: dict[str, str]) -> None:
    """`outputs` beside x without any y are the targets; `t` or `d` beside a y are not."""
    if "y" not in roles.values():
        for argument, role in roles.items():
            if role == "output":
                roles[argument] = "y"
                break
    for role in ("x", "y"):
        twice = [a for a, r in roles.items() if r == role]
        for argument in twice[1:]:
            roles[argument] = "middle"
    if "x" not in roles.values():
        unknown = [a for a, r in roles.items() if r == "middle"]
        if unknown:
            roles[unknown[0]] = "x"


def _biases_by_rank(roles: dict[str, str], found: Sequence[tuple[str, names.Tensor]]) -> None:
    """Where there are fewer biases than weights, a bias goes with the weights of the same number or word."""
    weights = {t.rank: roles[a] for a, t in found if t.kind == "W"}
    biases = [(a, t) for a, t in found if t.kind == "b"]
    if len(biases) < len(weights):
        for argument, read in biases:
            if read.rank in weights:
                roles[argument] = "b" + weights[read.rank][1:]


def _with_containers(function, module, roles, containers) -> Spec:
    """Parameters in a dictionary, list or object: from one of that name in the module, or from how the function uses it."""
    templates: dict[str, list[Any]] = {}
    layers, biases = 2, [True, True]
    for argument in containers:
        own = getattr(module, argument, None)
        options: list[Any] = []
        if isinstance(own, dict | list | tuple) and (t := _template_of(own)) is not None:
            options.append(t)
        usage = source.used_as(function, argument)
        nested = source.unpacked(function, argument)
        read = names.tensor(argument)
        if isinstance(nested, list) and (t := _of_names(nested)) is not None:
            options.append(t)
        if usage == "dict" and (t := _of_keys(source.keys(function, module))) is not None:
            options.append(t)
        if usage == "object":
            t = _of_keys(list(source.attributes(function, argument)))
            options += [SimpleNamespace(**t)] if t else []
        if read and usage == "list":
            options.append([f"{read.kind}1", f"{read.kind}2"])
        if not options or usage == "list" and not read:
            options += [
                [("W1", "b1"), ("W2", "b2")],
                ["W1", "b1", "W2", "b2"],
                ["W1", "W2"],
                [{"W": "W1", "b": "b1"}, {"W": "W2", "b": "b2"}],
                [{"weights": "W1", "bias": "b1"}, {"weights": "W2", "bias": "b2"}],
                [{"weights": "W1", "biases": "b1"}, {"weights": "W2", "biases": "b2"}],
                [{"w": "W1", "b": "b1"}, {"w": "W2", "b": "b2"}],
                {"W1": "W1", "b1": "b1", "W2": "W2", "b2": "b2"},
            ]
        if usage in ("array", "flat"):
            options = [_FLAT]
        templates[argument] = options
    held = set().union(*(_tensors(options[0]) for options in templates.values()), {r for r in roles.values() if r[1:].isdigit()})
    if weights := [t for t in held if t[0] == "W"]:
        layers = len(weights)
        biases = [f"b{l}" in held for l in range(1, layers + 1)]
    return Spec(roles, templates, layers, biases)


def _tensors(template: Any) -> set[str]:
    if isinstance(template, str):
        return {template}
    if isinstance(template, SimpleNamespace):
        template = vars(template)
    values = template.values() if isinstance(template, dict) else template
    return set().union(*(_tensors(value) for value in values)) if template != _FLAT else set()


def _of_keys(keys: Sequence[str]) -> dict[str, str] | None:
    """{"W1": "W1", "b_hidden": "b1", …} of those keys that name parameters."""
    keys = list(dict.fromkeys(keys))
    read = [(key, t) for key in keys if (t := names.tensor(key)) and not t.gradient]
    result = {}
    for kind in "Wb":
        mine = sorted((t.rank, i, key) for i, (key, t) in enumerate(read) if t.kind == kind)
        result.update({key: f"{kind}{n}" for n, (_, _, key) in enumerate(mine, start=1)})
    return result if any(v[0] == "W" for v in result.values()) else None


def _of_names(nested: Any) -> Any:
    flat = _flatten(nested)
    mapping = _of_keys(flat)
    if not mapping or len(mapping) != len(flat):
        return None

    def replace(node: Any) -> Any:
        return [replace(n) for n in node] if isinstance(node, list) else mapping[node]

    return replace(nested)


def _flatten(nested: Any) -> list[str]:
    return [leaf for n in nested for leaf in _flatten(n)] if isinstance(nested, list) else [nested]


def _template_of(own: Any) -> Any:
    """The structure of the user's own container, each array replaced by its tensor's name."""
    if isinstance(own, dict) and all(leaves.to_array(v) is not None for v in own.values()):
        return _of_keys([str(k) for k in own])
    if isinstance(own, list | tuple) and own and all(isinstance(v, list | tuple) and len(v) == 2 for v in own):
        if all(leaves.to_array(part) is not None for v in own for part in v):
            return [type(v)((f"W{n}", f"b{n}")) for n, v in enumerate(own, start=1)]
    if isinstance(own, list | tuple) and own and all(isinstance(v, dict) for v in own):
        per_layer = [_of_keys([str(k) for k in v]) for v in own]
        if all(per_layer):
            return [{k: f"{t[0]}{n}" for k, t in layer.items()} for n, layer in enumerate(per_layer, start=1)]
    return None
