"""Methods: what an object (or a file's functions) can do, called with whatever the names of the arguments ask for."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from impls.parameters import Array
from impls.verifying.targets import leaves, names, source
from impls.verifying.targets.layouts import DataLayout
from impls.verifying.targets.reading import Unreadable, output_among

ROLES = ("x", "y", "rate", "epochs", "output", "upstream", "cache", "batch", "seed", "quiet")


class Methods:
    """The callables of one thing, by name."""

    def __init__(self, thing: Any, path: Path) -> None:
        self.thing, self.path = thing, path
        self.by_name = _callables(thing)
        self.cache: Any = None
        """What the forward pass returned."""

    def first(self, kind: tuple[str, ...], but: Collection[str] = ()) -> str | None:
        """The first whose name is of that kind (names.FORWARD, …)."""
        return next(iter(names.methods([name for name in self.by_name if name not in but], kind)), None)

    def with_targets(self, but: Collection[str] = ()) -> str | None:
        """The first that takes inputs and targets and is called as if it gave gradients (costFunctionPrime)."""
        return next((name for name, m in self.by_name.items() if name not in but and _takes_targets(m)), None)

    def call(self, name: str, known: dict[str, Any], gradients: Any = None) -> tuple[Any, set[str]]:
        """(What it returned, the roles of the arguments that were handed over.)

        known: values by role; `gradients`: what a backward pass returned, for a method that updates by it. Raises
        UserError, and Unreadable for an argument without a default whose role is not known.
        """
        method = self.by_name[name]
        arguments, used = {}, set()
        signature = inspect.signature(method).parameters.values()
        parameters = [p for p in signature if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)]
        roles = _roles([p.name for p in parameters])
        for p in parameters:
            role = roles[p.name]
            if role is None and gradients is not None:
                if (t := names.tensor(p.name)) and t.gradient:
                    arguments[p.name] = _gradient_argument(gradients, p.name, [q.name for q in parameters], t)
                    continue
                if "grad" in p.name.lower():
                    arguments[p.name] = gradients
                    continue
            if role is None and p.default is p.empty:
                role = next((r for r in ("x", "y") if r not in used and r not in roles.values()), None)
            if role in known and known[role] is not None:
                if role == "quiet" and not _is_switch(p):
                    continue
                arguments[p.name] = known[role]
                used.add(role)
            elif p.default is p.empty:
                raise Unreadable(
                    f"the argument {p.name!r} of {name} is not known: neither x, y, an output, nor a learning rate"
                )
        with source.own_errors(self.path), np.errstate(all="ignore"):
            return method(**arguments), used

    def forward(self, name: str, encoded: tuple[Any, Any], x: Array, y: Array, data: DataLayout) -> tuple[Any, Any]:
        """Run a forward pass: (its own output, the predictions in the canonical layout), None where there is none.

        Without a return value the output is one of the object's attributes.
        """
        result, _ = self.call(name, {"x": encoded[0], "y": encoded[1], "quiet": False})
        self.cache = result
        if result is not None:
            predictions, raw = output_among(result, data, x, y)
            return raw, predictions
        for key, value in getattr(self.thing, "__dict__", {}).items() if not _is_module(self.thing) else ():
            if names.role(key, ("output",)) or key in ("a2", "A2", "layer2", "output_layer"):
                array = leaves.to_array(value)
                if array is not None and (found := data.predictions(array, *y.shape)) is not None:
                    return value, found
        return None, None


def _is_module(thing: Any) -> bool:
    return isinstance(thing, ModuleType)


def _callables(thing: Any) -> dict[str, Callable]:
    if _is_module(thing):
        return {n: v for n, v in vars(thing).items() if inspect.isfunction(v) and v.__module__ == thing.__name__}
    found: dict[str, Callable] = {}
    for name in dir(thing):
        if name.startswith("__") and name != "__call__":
            continue
        value = getattr(thing, name, None)  # a property may lack what it is made of
        if inspect.ismethod(value) or inspect.isfunction(value):
            found[name] = value
    return found


def _takes_targets(method: Callable) -> bool:
    roles = [names.role(name, ROLES) for name in inspect.signature(method).parameters]
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", method.__name__).lower()
    says_so = any(word in words for word in ("prime", "deriv", "grad", "back", "fit", "train"))
    return "x" in roles and "y" in roles and says_so


def _roles(arguments: Sequence[str]) -> dict[str, str | None]:
    """What each argument is, by its name; beside inputs the only `…outputs` are the targets."""
    roles = {name: names.role(name, ROLES) for name in arguments}
    outputs = [name for name, role in roles.items() if role == "output"]
    if "x" in roles.values() and "y" not in roles.values() and len(outputs) == 1:
        [name] = outputs
        if "output" in name.lower() and name.endswith("s"):
            roles[name] = "y"
    return roles


def _is_switch(p: inspect.Parameter) -> bool:
    """Does it say whether to print or to shuffle, rather than how often?"""
    return "shuffle" in p.name or p.default is p.empty or isinstance(p.default, bool)


def _gradient_argument(gradients: Any, argument: str, arguments: Sequence[str], wanted: names.Tensor) -> Any:
    """The gradient that an argument such as dW1 asks for: by its name in a dictionary, else by its place."""
    if isinstance(gradients, dict):
        for key, value in gradients.items():
            t = names.tensor(str(key))
            if t and (t.kind, t.rank) == (wanted.kind, wanted.rank):
                return value
    taken = [name for name in arguments if (t := names.tensor(name)) and t.gradient]
    return gradients[taken.index(argument)] if isinstance(gradients, tuple | list) else gradients
