"""Signatures: what each argument of a function is, and how its containers of parameters are built."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np

from impls.parameters import Array
from impls.verifying.targets import leaves, names, source

ROLES = ("x", "y", "rate", "epochs", "params", "cache", "output", "upstream", "batch", "seed", "quiet")


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
        read = names.tensor(argument)
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
            options.append([f"{read.kind}1", f"{read.kind}2"])
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
    if isinstance(own, dict) and all(leaves.to_array(v) is not None for v in own.values()):
        return _of_keys([str(k) for k in own])
    if not isinstance(own, list | tuple) or not own:
        return None
    pairs = all(isinstance(v, list | tuple) and len(v) == 2 for v in own)
    if pairs and all(leaves.to_array(part) is not None for v in own for part in v):
        return [type(v)((f"W{n}", f"b{n}")) for n, v in enumerate(own, start=1)]
    if all(isinstance(v, dict) for v in own):
        per_layer = [_of_keys([str(k) for k in v]) for v in own]
        if all(per_layer):
            return [{k: f"{t[0]}{n}" for k, t in (layer or {}).items()} for n, layer in enumerate(per_layer, start=1)]
    return None
