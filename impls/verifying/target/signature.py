"""Signatures: what each argument of a function is, and how its containers of parameters are built."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np

from impls.parameters import Array
from impls.verifying.target import names, places, source

ROLES = (
    "x", "y", "rate", "epochs", "params", "cache", "output", "upstream", "batch", "seed", "quiet", "penalty",
    "momentum", "inputs_size", "hidden_size", "outputs_size",
)  # fmt: skip


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


def build(template: Any, arrays: dict[str, Array]) -> Any:
    """Put the arrays in the place of the tensors' names."""
    if isinstance(template, str):
        return arrays.get(template)
    if isinstance(template, dict):
        return {key: build(value, arrays) for key, value in template.items()}
    if isinstance(template, SimpleNamespace):
        return SimpleNamespace(**{key: build(value, arrays) for key, value in vars(template).items()})
    if template == FLAT_VECTOR:
        return np.concatenate([array.ravel() for array in arrays.values()])
    return type(template)(build(value, arrays) for value in template)


FLAT_VECTOR = ("flat",)


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
        read = names.tensor(argument) if parameters[position].default in (inspect.Parameter.empty, None) else None
        usage = source.used_as(function, argument)
        guess = names.role(argument, ROLES)
        if usage == "flat" and (read or guess == "params"):
            containers.append(argument)
            roles[argument] = "params"
        elif read and not read.gradient and (usage == "array" or re_digits(argument)):
            tensors_found.append((argument, read))
        elif (read and not read.gradient and usage in ("dict", "list", "object")) or (
            guess == "params" and usage != "array"
        ):
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
        for number, (_rank, _, argument) in enumerate(mine, start=1):
            roles[argument] = f"{kind}{number}"
    _biases_by_rank(roles, tensors_found)
    if not containers and not any(r[0] == "W" for r in roles.values()):
        containers = [a for a, r in roles.items() if r == "params"]
    if containers:
        return _with_containers(function, module, roles, containers)
    layers = sum(r[0] == "W" and r[1:].isdigit() for r in roles.values())
    biases = [f"b{ell}" in roles.values() for ell in range(1, layers + 1)]
    return Spec(roles, {}, layers, biases)


def specs(function: Callable, module: ModuleType, order: Sequence[str] | None) -> Iterator[Spec]:
    """Every reading of the signature, the likeliest first: by the names, then all that is left as weights."""
    yield (spec := read_signature(function, module, order))
    parameters = [a for a, r in spec.roles.items() if r in ("middle", "output", "cache", "rate") or _is_tensor(r)]
    tensors = [a for a in parameters if _is_tensor(spec.roles[a])]
    if order or spec.templates:
        return
    if not any(spec.roles[a][0] == "W" for a in tensors):  # a line: m and b, a and b, m and c, k and d
        free = [a for a, r in spec.roles.items() if r in ("middle", "batch") and len(a) <= 2]
        biases = [a for a in tensors if spec.roles[a][0] == "b"] or free[1:2]
        if free and biases:
            yield Spec({**spec.roles, free[0]: "W1", biases[0]: "b1"}, {}, 1, [True])
    if not parameters or any(spec.roles[a][0] == "b" for a in tensors):
        return
    if zero := [a for a in tensors if re.search(r"0|intercept|const", a)]:  # theta0 beside theta1: a bias
        others = [a for a in tensors if a not in zero]
        if len(others) == len(zero):
            pairs = {a: f"W{i}" for i, a in enumerate(others, 1)} | {a: f"b{i}" for i, a in enumerate(zero, 1)}
            yield Spec({**spec.roles, **pairs}, {}, len(zero), [True] * len(zero))
    if len(tensors) == len(parameters):
        return
    arrays = [a for a in parameters if spec.roles[a] != "rate" and source.used_as(function, a) == "array"]
    roles = {a: r for a, r in spec.roles.items() if a not in arrays}
    if len(arrays) % 2 == 0:
        paired = {a: f"{'Wb'[i % 2]}{i // 2 + 1}" for i, a in enumerate(arrays)}
        yield Spec({**roles, **paired}, {}, len(arrays) // 2, [True] * (len(arrays) // 2))
    yield Spec({**roles, **{a: f"W{i}" for i, a in enumerate(arrays, start=1)}}, {}, len(arrays), [False] * len(arrays))


def _is_tensor(role: str) -> bool:
    return role[0] in "Wb" and role[1:].isdigit()


def deeper(spec: Spec, layers: int) -> Spec | None:
    """The same signature for a network of so many layers, where its containers can hold them; None where not."""
    templates = {
        a: [t for option in options if (t := _grown(option, layers)) is not None]
        for a, options in spec.templates.items()
    }
    if not templates or not all(templates.values()) or any(_is_tensor(r) for r in spec.roles.values()):
        return None
    return Spec(spec.roles, templates, layers, [spec.biases[-1]] * layers, spec.of_forward)


def _grown(template: Any, layers: int) -> Any:
    if isinstance(template, list):
        depth = len({int(t[1:]) for t in _tensors(template)})
        each = len(template) // depth
        if each * depth == len(template) and all(_tensors(template[i]) for i in range(len(template))):
            last = template[-each:]
            return [_renumbered(last[i % each], i // each + 1) for i in range(each * layers)]
    if isinstance(template, dict) and all(isinstance(v, str) and k.endswith(v[1:]) for k, v in template.items()):
        kinds = dict.fromkeys((k[: -len(v[1:])], v[0]) for k, v in template.items())
        return {f"{prefix}{n}": f"{kind}{n}" for n in range(1, layers + 1) for prefix, kind in kinds}
    return None


def _renumbered(template: Any, n: int) -> Any:
    if isinstance(template, str):
        return f"{template[0]}{n}"
    if isinstance(template, dict):
        return {k: _renumbered(v, n) for k, v in template.items()}
    return type(template)(_renumbered(v, n) for v in template)


def re_digits(name: str) -> bool:
    """Is there a number in the name?"""
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


def _with_containers(function: Callable, module: ModuleType, roles: dict[str, str], containers: Sequence[str]) -> Spec:
    """Parameters in a dictionary, list or object: like one of that name in the module, or as the function uses it."""
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
            count = source.largest_index(function, argument) + 1
            options.append([f"{read.kind}{n}" for n in range(1, max(count, 2) + 1)])
        if not options or (usage == "list" and not read):
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
            options = [FLAT_VECTOR]
        templates[argument] = options
    held = set().union(
        *(_tensors(options[0]) for options in templates.values()), {r for r in roles.values() if r[1:].isdigit()}
    )
    if weights := [t for t in held if t[0] == "W"]:
        layers = len(weights)
        biases = [f"b{ell}" in held for ell in range(1, layers + 1)]
    return Spec(roles, templates, layers, biases)


def _tensors(template: Any) -> set[str]:
    if isinstance(template, str):
        return {template}
    if isinstance(template, SimpleNamespace):
        template = vars(template)
    values = template.values() if isinstance(template, dict) else template
    return set().union(*(_tensors(value) for value in values)) if template != FLAT_VECTOR else set()


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
    if isinstance(own, dict) and all(places.to_array(v) is not None for v in own.values()):
        return _of_keys([str(k) for k in own])
    if not isinstance(own, list | tuple) or not own:
        return None
    pairs = all(isinstance(v, list | tuple) and len(v) == 2 for v in own)
    if pairs and all(places.to_array(part) is not None for v in own for part in v):
        return [type(v)((f"W{n}", f"b{n}")) for n, v in enumerate(own, start=1)]
    if all(isinstance(v, dict) for v in own):
        per_layer = [_of_keys([str(k) for k in v]) for v in own]
        if all(per_layer):
            return [{k: f"{t[0]}{n}" for k, t in (layer or {}).items()} for n, layer in enumerate(per_layer, start=1)]
    return None
