"""Calling what the user wrote: every argument gets what its name asks for.

A value is known by its role (x, y, rate, output, …) or by the name that the program itself gives it: an argument that
holds parameters, an entry of what the forward pass returned, a local variable of it.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from samegrad.impls.parameters import Array
from samegrad.impls.verifying.target import names, source, usage
from samegrad.impls.verifying.target.layouts import DataLayout
from samegrad.impls.verifying.target.places import to_array
from samegrad.impls.verifying.target.trace import Watch

FIRST = ("x", "y", "rate", "epochs", "batch", "seed", "quiet")
"""Roles that go before the program's own names for things."""
ROLES = (
    *FIRST, "penalty", "momentum", "output", "upstream", "cache", "x_more", "y_more",
    "params", "inputs_size", "hidden_size", "outputs_size", "sizes",
)  # fmt: skip
SETTINGS = ("rate", "epochs", "batch", "seed", "quiet", "penalty", "momentum")


class Unreadable(Exception):
    """The target was called, but no gradients could be found in what it did; the message says what to change."""

    def __init__(self, message: str, depth: int = 0) -> None:
        """`depth`: how far the target got, in the units of `UserError`."""
        super().__init__(message)
        self.depth = depth
        self.matrices: list[tuple[int, ...]] = []
        """The shapes of those that it returned instead."""


STEPS = 1000
"""Of a generator that is called, as a training that yields after every epoch: more than any that is asked for."""

TO_THE_END = 10**9
"""The depth of a target that returned."""


@dataclass
class Known:
    """The values that a call may ask for."""

    roles: dict[str, Any]
    arguments: dict[str, Any] = field(default_factory=dict)
    """Arguments that hold parameters, by name."""
    names: dict[str, Any] = field(default_factory=dict)
    """The program's intermediates, by the names that it gives them."""
    given: dict[str, str] = field(default_factory=dict)
    """Argument → role, as the user said."""
    gradients: Any = None
    """What a backward pass returned, for a function that updates by it."""
    locals: dict[str, Any] = field(default_factory=dict)
    """Local variables of the forward pass: a last resort."""
    left: tuple[str, ...] = ("x", "y")
    """Roles for arguments whose names say nothing, in order."""
    watch: Watch | None = None
    """Sees what the functions compute on the way."""


def call(function: Callable, known: Known, path: Path) -> tuple[Any, set[str]]:
    """(What it returned, the roles that were handed over.)

    Raises UserError, and Unreadable for an argument without a default for which nothing is known.
    """
    arguments, used = arguments_for(function, known, path)
    positional, named = [], {}
    for name, parameter in source.signature(function).parameters.items():
        if name in arguments:
            if parameter.kind is parameter.POSITIONAL_ONLY:
                positional.append(arguments[name])
            else:
                named[name] = arguments[name]
    with source.own_errors(path), np.errstate(all="ignore"), known.watch or nullcontext():
        result = function(*positional, **named)
        return list(islice(result, STEPS)) if inspect.isgenerator(result) else result, used


def parameters_of(function: Callable) -> list[inspect.Parameter]:
    """The function's arguments, without *args and **kwargs. Raises Unreadable where it has no signature."""
    try:
        every = source.signature(function).parameters.values()
    except (TypeError, ValueError):
        raise Unreadable(f"{getattr(function, '__name__', 'it')} has no signature that can be read") from None
    return [p for p in every if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)]


def arguments_for(function: Callable, known: Known, path: Path) -> tuple[dict[str, Any], set[str]]:
    """The arguments of a call, by name, and the roles among them. Raises Unreadable for one that is unknown."""
    parameters = parameters_of(function)
    roles = roles_of([p.name for p in parameters], known)
    arguments: dict[str, Any] = {}
    used: set[str] = set()
    folded = {name.lower(): value for name, value in known.names.items()}
    for p in parameters:
        role = roles[p.name]
        if p.name in known.arguments:
            arguments[p.name] = known.arguments[p.name]
        elif role in ("x", "x_more") and _suits(p, role) and (form := as_pairs(function, p.name)):
            arguments[p.name] = form(known.roles["x"], known.roles["y"])
            used |= {"x", "y"}
        elif role in FIRST and known.roles.get(role) is not None and _suits(p, role):
            arguments[p.name] = known.roles[role]
            used.add(role)
        elif p.name not in known.given and (p.name in known.names or p.name.lower() in folded):
            arguments[p.name] = known.names.get(p.name, folded.get(p.name.lower()))
        elif known.gradients is not None and (gradient := _gradient(known.gradients, p.name, parameters)) is not None:
            arguments[p.name] = gradient
        elif role is not None and known.roles.get(role) is not None and _suits(p, role):
            arguments[p.name] = known.roles[role]
            used.add(role)
        elif p.default is p.empty:
            if p.name in known.locals:
                arguments[p.name] = known.locals[p.name]
                used |= {role for role in known.left if known.roles.get(role) is known.locals[p.name]}
                continue
            if (in_use := _in_use(function, p.name, path)) is not None:
                arguments[p.name] = in_use
                continue
            left = next((r for r in known.left if r not in used and r not in roles.values()), None)
            if left is None or known.roles.get(left) is None:
                raise Unreadable(
                    f"the argument {p.name!r} of {getattr(function, '__name__', 'it')} is not known: neither x, y, a "
                    "parameter, a learning rate nor a result of the forward pass"
                )
            arguments[p.name] = known.roles[left]
            used.add(left)
        elif p.default is None and "optim" not in p.name and isinstance(in_use := _in_use(function, p.name, path), str):
            arguments[p.name] = in_use
    return arguments, used


def _in_use(function: Callable, argument: str, path: Path) -> Any:
    """The word, switch or function that the program gives for an argument; None where it gives none of these."""
    value = usage.arguments_in_use(function, path).get(argument)
    return value if isinstance(value, str | bool) or callable(value) else None


def as_pairs(function: Callable, argument: str) -> Callable[[Any, Any], Any] | None:
    """How an argument holds inputs and targets: as one pair of both, or as pairs row by row; None where it does not."""
    nested = source.unpacked(function, argument)
    if isinstance(nested, list) and len(nested) == 2:
        return lambda x, y: (x, y)
    return (lambda x, y: list(zip(x, y, strict=True))) if source.loops_over_pairs(function, argument) else None


def _suits(p: inspect.Parameter, role: str) -> bool:
    """May an argument of that role be given? A switch only where it is one; a number of rows only where one is due."""
    if role in ("penalty", "momentum", "hidden_size", "sizes", "x_more", "y_more"):
        return p.default is p.empty
    if role == "quiet":
        return "shuffle" in p.name or p.default is p.empty or isinstance(p.default, bool)
    return True


def roles_of(arguments: list[str], known: Known | None = None) -> dict[str, str | None]:
    """What each argument is, by its name; beside inputs the only outputs are the targets, where it has no others."""
    roles = {name: names.role(name, ROLES) for name in arguments}
    roles.update({name: role for name, role in (known.given if known else {}).items() if name in roles})
    for role in ("x", "y"):
        for again in [name for name, r in roles.items() if r == role][1:]:
            roles[again] = None
    outputs = [name for name, role in roles.items() if role == "output"]
    if "x" in roles.values() and "y" not in roles.values() and len(outputs) == 1:
        [name] = outputs
        if known is None or "output" not in known.roles or re.search("outputs$", name.lower()):
            roles[name] = "y"
    return roles


def forwards(functions: dict[str, Callable], but: str | None = None) -> list[str]:
    """Those that are called like a forward pass, likeliest first: one that takes inputs before a part of it."""
    named = names.methods([n for n in functions if n != but], names.FORWARD)
    return sorted(named, key=lambda name: not _takes_inputs(functions[name]))


def _takes_inputs(function: Callable) -> bool:
    try:
        arguments = list(source.signature(function).parameters)
    except (TypeError, ValueError):
        return False
    return any(names.role(argument, ("x",)) for argument in arguments)


def _gradient(gradients: Any, argument: str, parameters: list[inspect.Parameter]) -> Any:
    """The gradient that an argument such as dW1 asks for, by its name or place, or all of them for `grads`."""
    wanted = names.tensor(argument)
    if not (wanted and wanted.gradient):
        return gradients if names.ALL_GRADIENTS.search(argument.lower()) else None
    if isinstance(gradients, dict):
        for key, value in gradients.items():
            t = names.tensor(str(key))
            if t and (t.kind, t.rank) == (wanted.kind, wanted.rank):
                return value
    taken = [p.name for p in parameters if (t := names.tensor(p.name)) and t.gradient]
    if isinstance(gradients, tuple | list) and len(gradients) >= len(taken):
        return gradients[taken.index(argument)]
    return gradients


def output_among(result: Any, data: DataLayout, y: Array) -> tuple[Array | None, Any]:
    """The predictions among what a forward pass returned, (batch, outputs), and as it returned them.

    They are the first of a pair with a cache, the last of a list; y: (batch, outputs).
    """
    parts = list(result.values()) if isinstance(result, dict) else list(result) if _several(result) else [result]
    if isinstance(result, tuple) and any(isinstance(p, dict | tuple | list) for p in parts):
        plain = [p for p in parts if not isinstance(p, dict | tuple | list)]
        parts = plain or [q for p in parts for q in (p.values() if isinstance(p, dict) else p)]
    for part in reversed(parts):
        array = to_array(part[-1] if isinstance(part, list) and part and not _plain(part) else part, "fiuc")
        if (
            array is not None
            and not _are_classes(array)
            and (predictions := data.predictions(array, *y.shape)) is not None
        ):
            return predictions, part
    return None, None


def _are_classes(array: Array) -> bool:
    """Are these whole numbers, as classes are? A probe's predictions are none, but for units that are off."""
    return array.dtype.kind in "iu" or bool(np.any(array) and np.array_equal(array, np.round(array)))


def _several(result: Any) -> bool:
    return isinstance(result, tuple) or (isinstance(result, list) and not _plain(result))


def _plain(value: list) -> bool:
    """Is it a list of numbers, or of lists of numbers?"""
    return to_array(value) is not None


def named_parts(function: Callable, result: Any) -> dict[str, Any]:
    """What a forward pass returned, by the names in its return statement and the keys of its dictionaries."""
    labels = source.returned_names(function) or []
    parts = list(result) if isinstance(result, tuple | list) else [result]
    named: dict[str, Any] = {}
    if len(labels) == len(parts):
        named.update({label: part for label, part in zip(labels, parts, strict=True) if label})
    for part in [result, *parts]:
        if isinstance(part, dict):
            named.update({str(key): value for key, value in part.items()})
    return named
