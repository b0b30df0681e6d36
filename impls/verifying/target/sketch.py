"""Sketches: which arguments of a function hold the parameters of a network, and how its containers are built.

A sketch is argument → tensor ("W1"), or → a nested structure of tensors, as a dictionary, list or object holds them.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np

from samegrad.impls.parameters import Array
from samegrad.impls.verifying.target import names, places, source

INTERMEDIATES = ("cache", "output", "upstream")
ROLES = (
    "x", "y", "rate", "epochs", "params", *INTERMEDIATES, "batch", "seed", "quiet", "penalty", "momentum",
    "inputs_size", "hidden_size", "outputs_size",
)  # fmt: skip
FLAT_VECTOR = ("flat",)
"""All tensors in one vector."""
CONTAINERS: tuple[Any, ...] = (
    [("W1", "b1"), ("W2", "b2")],
    ["W1", "b1", "W2", "b2"],
    ["W1", "W2"],
    *([{w: "W1", b: "b1"}, {w: "W2", b: "b2"}]
      for w, b in (("W", "b"), ("weights", "bias"), ("weights", "biases"), ("w", "b"))),
    {"W1": "W1", "b1": "b1", "W2": "W2", "b2": "b2"},
)  # fmt: skip
"""What a container may be of which neither its use nor the file tells."""


@dataclass(frozen=True)
class Sketch:
    """One reading of a function's arguments."""

    arguments: dict[str, Any]
    given: dict[str, str] = field(default_factory=dict)
    """Roles of other arguments, as the user said."""
    asks: bool = False
    """Does it take results of a forward pass?"""
    of_forward: dict[str, Any] = field(default_factory=dict)
    """What the forward function takes, where this one leaves some out."""
    more: tuple[str, ...] = ()
    """Tensors of a flat vector, which names none."""

    @property
    def tensors(self) -> set[str]:
        """Every tensor that is held."""
        return _tensors(self.arguments) | _tensors(self.of_forward) | set(self.more)

    @property
    def named(self) -> bool:
        """Is there an argument that is called like what it holds?"""
        return any(names.tensor(argument) for argument in self.arguments)

    @property
    def is_plain(self) -> bool:
        """Is every parameter an argument of its own, and none in a container?"""
        return all(isinstance(t, str) for t in self.arguments.values())

    @property
    def layers(self) -> int:
        """How many layers of weights there are."""
        return sum(t[0] == "W" for t in self.tensors)

    @property
    def biases(self) -> list[bool]:
        """Which layers have a bias."""
        return [f"b{ell}" in self.tensors for ell in range(1, self.layers + 1)]


def build(template: Any, arrays: dict[str, Array]) -> Any:
    """Put the arrays in the place of the tensors' names."""
    if isinstance(template, str):
        return arrays.get(template)
    if isinstance(template, dict):
        return {key: build(value, arrays) for key, value in template.items()}
    if isinstance(template, SimpleNamespace):
        return SimpleNamespace(**build(vars(template), arrays))
    if template == FLAT_VECTOR:
        return np.concatenate([np.ravel(array) for array in arrays.values()])
    return type(template)(build(value, arrays) for value in template)


def sketches(function: Callable, module: ModuleType, order: Sequence[str] | None = None) -> Iterator[Sketch]:
    """Every reading of the signature, the likeliest first: `order` or the names, then all that is left as weights."""
    signature = source.signature(function).parameters.values()
    parameters = [p for p in signature if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL) and p.name != "self"]
    given = dict(zip((p.name for p in parameters), order or (), strict=False))
    free = [p for p in parameters if p.name not in given]
    forward = _forwards(module)
    made = {n for f in forward for n in _made_by(f)} - set(given)
    roles = _roles(free, given.values()) | {p.name: "middle" for p in free if p.name in made}
    reads = {
        p.name: t for p in free
        if p.default in (p.empty, None) and p.name not in made and (t := names.tensor(p.name)) if not t.gradient
    }  # fmt: skip
    uses = {p.name: _use(p.name, [function, *forward], module) for p in free}
    uses |= {a: "array" for a, use in uses.items() if use == "list" and _are_numbers(getattr(module, a, None))}
    several = sum(t.kind == "W" for t in reads.values()) > 1  # w_hidden and w_out: one matrix each, and no container
    mine = {
        a: t for a, t in reads.items()
        if uses[a] != "flat" and (uses[a] == "array" or several or re.search(r"\d", a))
    }  # fmt: skip
    plain = {a: r for a, r in given.items() if is_tensor(r)} | names.numbered(mine)
    containers = [
        a for a, use in uses.items()
        if a not in plain and (a in reads or (roles[a] == "params" and use != "array"))
    ]  # fmt: skip
    if not containers and not any(t[0] == "W" for t in plain.values()):
        containers = [a for a in uses if a not in plain and roles[a] == "params"]
        if containers and (by_use := _by_use(function, [p.name for p in free if p.default is p.empty], roles)):
            yield Sketch(by_use, {a: r for a, r in given.items() if not is_tensor(r)})  # a matrix called params
    others = {a: r for a, r in roles.items() if a not in plain and a not in containers}
    asks = any(role in (*INTERMEDIATES, "middle") for role in others.values())
    given = {a: r for a, r in given.items() if not is_tensor(r)}
    if containers:
        yield from _with_containers(function, module, Sketch(plain, given, asks), containers, reads, uses)
        return
    yield Sketch(plain, given, asks)
    required = [p.name for p in free if p.default is p.empty]
    tensors_are_given = any(is_tensor(role) for role in order or ())
    if not tensors_are_given and (by_use := _by_use(function, required, roles)) and len(by_use) > len(plain):
        yield Sketch(by_use, given, False)
    for arguments in _guesses(function, others, plain) if not tensors_are_given else ():
        left = {r for a, r in others.items() if a not in arguments}
        yield Sketch(arguments, given, bool(left & {*INTERMEDIATES, "middle"}))


def _are_numbers(own: Any) -> bool:
    """Is what the module keeps under an argument's name one row of numbers?"""
    return (array := places.to_array(own)) is not None and array.ndim == 1


def _forwards(module: ModuleType) -> list[Callable]:
    """The functions of a module that are called like a forward pass."""
    functions = {n: f for n, f in vars(module).items() if inspect.isfunction(f)}
    return [functions[name] for name in names.methods(list(functions), names.FORWARD)]


def _made_by(forward: Callable) -> set[str]:
    """The names of what a function returns and did not get: no parameters of any function."""
    return set(source.returned_names(forward) or ()) - {"", *source.signature(forward).parameters}


def _use(argument: str, functions: Sequence[Callable], module: ModuleType) -> str:
    """How the first of the functions that does more with an argument than to pass it on uses it.

    Else how a function of the module does to which the first one passes it.
    """
    uses = [source.used_as(f, argument) for f in functions if argument in source.signature(f).parameters]
    for called, place in source.passed_on(functions[0], argument):
        if inspect.isfunction(other := getattr(module, called, None)):
            its_own = [*source.signature(other).parameters]
            name = its_own[place] if isinstance(place, int) and place < len(its_own) else place
            uses.append(source.used_as(other, str(name)))
    return next((use for use in uses if use != "array"), "array")


def is_tensor(role: Any) -> bool:
    """W1, b1, …"""
    return bool(re.fullmatch(r"[Wb]\d+", role))


def _roles(parameters: Sequence[inspect.Parameter], given: Collection[str] = ()) -> dict[str, str]:
    """A role for each argument by its name, beside those that are `given`; "middle" and "default" are neither known,
    without and with a default."""
    roles: dict[str, str] = {}
    for p in parameters:
        role = names.role(p.name, ROLES) or ("middle" if p.default is p.empty else "default")
        roles[p.name] = "middle" if role in ("x", "y") and role in roles.values() else role
    if "y" not in {*given, *roles.values()}:  # `outputs` beside x without any y are the targets
        roles.update({a: "y" for a in [a for a, r in roles.items() if r == "output"][:1]})
    if "x" in roles.values() and "y" not in {*given, *roles.values()}:  # nor any `outputs`: the one word that is left
        words = [a for a, r in roles.items() if r == "middle" and not names.tensor(a)]
        roles.update({a: "y" for a in words if len(words) == 1 and len(names.NOW.sub("", a)) > 2})
    if "x" not in {*given, *roles.values()}:
        unknown = [a for a, r in roles.items() if r == "middle" and not names.tensor(a)]
        roles.update({a: "x" for a in unknown[:1]})
    return roles


def _guesses(function: Callable, others: dict[str, str], plain: dict[str, str]) -> Iterator[dict[str, str]]:
    """Arguments as weights and biases whose names do not say so."""
    if not any(t[0] == "W" for t in plain.values()):  # a line: m and b, a and b, m and c, k and d
        free = [a for a, r in others.items() if r in ("middle", "batch") and len(names.NOW.sub("", a)) <= 2]
        biases = list(plain) or free[1:2]
        if free and biases:
            yield {free[0]: "W1", biases[0]: "b1"}
    if any(t[0] == "b" for t in plain.values()):
        return
    if zero := [a for a in plain if names.ZEROTH.search(a)]:  # theta0 beside theta1: a bias
        weights = [a for a in plain if a not in zero]
        if len(weights) == len(zero):
            yield {a: f"W{i}" for i, a in enumerate(weights, 1)} | {a: f"b{i}" for i, a in enumerate(zero, 1)}
    more = [a for a, r in others.items() if r in ("middle", "output", "cache")]
    arrays = [a for a in [*plain, *more] if source.used_as(function, a) == "array"]
    arrays.sort(key=list(source.signature(function).parameters).index)
    if not more:
        return
    multiplied = {a for a in arrays if a in source.factors(function)}
    if len(arrays) % 2 == 0 and not multiplied & set(arrays[1::2]):
        yield {a: f"{'Wb'[i % 2]}{i // 2 + 1}" for i, a in enumerate(arrays)}
    yield {a: f"W{i}" for i, a in enumerate(arrays, start=1)}


def _by_use(function: Callable, arguments: Sequence[str], roles: dict[str, str]) -> dict[str, str] | None:
    """Arguments as weights where they are factors of matrix products, and as biases where not, as many or none."""
    factors = source.factors(function)
    arrays = [
        a for a in arguments if roles[a] not in ("x", "y", *INTERMEDIATES) and source.used_as(function, a) == "array"
    ]
    free = [a for a in arrays if a in factors or roles[a] == "middle" or names.tensor(a)]
    return _of_factors(free, [a in factors for a in free])


def _of_factors(entries: Sequence[str], is_factor: Sequence[bool]) -> dict[str, str] | None:
    """Those that are factors as W1, W2, …, the others as b1, b2, …; None where they do not go together."""
    weights = [name for name, factor in zip(entries, is_factor, strict=True) if factor]
    biases = [name for name, factor in zip(entries, is_factor, strict=True) if not factor]
    if not weights or len(biases) not in (0, len(weights)):
        return None
    return {a: f"W{i}" for i, a in enumerate(weights, 1)} | {a: f"b{i}" for i, a in enumerate(biases, 1)}


def _with_containers(
    function: Callable, module: ModuleType, bare: Sketch, containers: Sequence[str],
    reads: dict[str, names.Tensor], uses: dict[str, str],
) -> Iterator[Sketch]:  # fmt: skip
    """Each container like one of that name in the module, or as the function uses it."""
    options: dict[str, list[Any]] = {}
    for argument in containers:
        use, read = uses[argument], reads.get(argument)
        templates = [_template_of(getattr(module, argument, None))]
        nested = source.unpacked(function, argument)
        templates.append(_of_names(nested, source.factors(function)) if isinstance(nested, list) else None)
        if use == "dict":
            templates.append(_of_keys(source.keys(function, module)))
            keys = source.keys_of(module, argument)
            multiplied = source.factors(module) if keys else ()
            by_use = _of_factors(keys, [f"{argument}[{key!r}]" in multiplied for key in keys])
            if by_use and templates[-1] != by_use and not (templates[-1] and len(templates[-1]) >= len(by_use)):
                templates.append(by_use)
        if use == "object" and (keyed := _of_keys(source.attributes(function, argument))):
            templates.append(SimpleNamespace(**keyed))
        if read and use == "list":
            count = source.largest_index(function, argument) + 1
            templates.append([f"{read.kind}{n}" for n in range(1, max(count, 2) + 1)])
        known = [template for template in templates if template is not None]
        options[argument] = known if known and (read or use != "list") else [*known, *CONTAINERS]
        if use in ("array", "flat"):
            options[argument] = [FLAT_VECTOR]
    for index in range(max(map(len, options.values()))):
        arguments = {**bare.arguments, **{a: t[min(index, len(t) - 1)] for a, t in options.items()}}
        more = () if _tensors(arguments) else ("W1", "b1", "W2", "b2")
        yield Sketch(arguments, bare.given, bare.asks, more=more)


def deeper(sketch: Sketch, layers: int) -> Sketch | None:
    """The same for a network of so many layers, where its containers can hold them; None where not."""
    if sketch.layers == layers:
        return sketch
    grown = {a: _grown(template, layers) for a, template in sketch.arguments.items()}
    if sketch.of_forward or not grown or any(template is None for template in grown.values()):
        return None
    return Sketch(grown, sketch.given, sketch.asks)


def _grown(template: Any, layers: int) -> Any:
    if isinstance(template, list):
        depth = len({int(t[1:]) for t in _tensors(template)})
        each = len(template) // depth
        if each * depth == len(template) and all(_tensors(part) for part in template):
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


def _tensors(template: Any) -> set[str]:
    if isinstance(template, str):
        return {template}
    if isinstance(template, SimpleNamespace):
        template = vars(template)
    values = template.values() if isinstance(template, dict) else template
    return set().union(*(_tensors(value) for value in values)) if template != FLAT_VECTOR else set()


def _of_keys(keys: Sequence[str]) -> dict[str, str] | None:
    """{"W1": "W1", "b_hidden": "b1", …} of those keys that name parameters."""
    read = {key: t for key in dict.fromkeys(keys) if (t := names.tensor(key)) and not t.gradient}
    return names.numbered(read) if any(t.kind == "W" for t in read.values()) else None


def _of_names(nested: list[Any], factors: Collection[str]) -> Any:
    """The tensors of the names into which a container is unpacked, or by which of them are factors of products."""
    flat = _flatten(nested)
    mapping = _of_keys(flat)
    if not mapping or len(mapping) != len(flat):
        mapping = _of_factors(flat, [name in factors for name in flat])
    if not mapping:
        return None

    def replace(node: Any) -> Any:
        return [replace(n) for n in node] if isinstance(node, list) else mapping[node]

    return replace(nested)


def _flatten(nested: Any) -> list[str]:
    return [leaf for n in nested for leaf in _flatten(n)] if isinstance(nested, list) else [nested]


def _template_of(own: Any) -> Any:
    """The structure of the user's own container, each array replaced by its tensor's name."""
    if isinstance(own, dict) and own and all(places.to_array(v) is not None for v in own.values()):
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
