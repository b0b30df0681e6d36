"""Constructors: making an object of a user's class, of given layer sizes where its constructor takes any."""

from __future__ import annotations

import copy
import inspect
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from impls.verifying import probe
from impls.verifying.targets import names, source
from impls.verifying.targets.reading import Unreadable

ROLES = (
    "hidden_size", "sizes", "rate", "epochs", "seed", "quiet", "inputs_size", "outputs_size", "x", "y", "batch",
)  # fmt: skip
SIZES = {"inputs_size", "hidden_size", "hidden_sizes", "outputs_size", "sizes", "x"}
HIDDEN_LIST = re.compile(r"hidden_?(sizes|layers|dims|units_list|layer_sizes)|hiddens")


class Constructor:
    """How to make the object: a role for every argument of a class's `__init__`, or a copy of the user's own object."""

    def __init__(self, root: Any, path: Path, init: dict[str, Any]) -> None:
        """`init` are arguments that the user gave by hand. Raises nothing: what is unknown is said when it is made."""
        self.root, self.path, self.init = root, path, init
        self.is_class = inspect.isclass(root)
        self.spread = False
        """Does it take its sizes as *sizes?"""
        self.roles = self._roles() if self.is_class else {}
        self.sizeable = self.spread or bool(SIZES & set(self.roles.values()))

    def _roles(self) -> dict[str, str]:
        try:
            parameters = list(inspect.signature(self.root).parameters.values())
        except (TypeError, ValueError):
            return {}
        roles: dict[str, str] = {}
        beside_hidden = any(names.role(p.name, ("hidden_size",)) for p in parameters)
        for p in parameters:
            if p.kind is p.VAR_POSITIONAL and names.role(p.name, ("sizes",)):
                self.spread = True
            if p.kind in (p.VAR_KEYWORD, p.VAR_POSITIONAL) or p.name in self.init:
                continue
            role = names.role(p.name, ROLES)
            if role == "hidden_size" and HIDDEN_LIST.fullmatch(p.name.lower()) and not isinstance(p.default, int):
                role = "hidden_sizes"
            if p.name.lower() in ("inputs", "input", "outputs", "output") and not beside_hidden:
                role = "x" if p.name.lower().startswith("in") else "y"  # arrays, not numbers of units
            roles[p.name] = role or ("default" if p.default is not p.empty else "unknown")
        unknown = [name for name, role in roles.items() if role == "unknown"]
        if len(unknown) == 3 and not SIZES & set(roles.values()):
            roles.update(zip(unknown, ("inputs_size", "hidden_size", "outputs_size"), strict=True))
        return roles

    def hidden_layers(self) -> int:
        """How many hidden layers its arguments speak of."""
        hidden = sum(role == "hidden_size" for role in self.roles.values())
        if self.spread or {"sizes", "x", "hidden_sizes"} & set(self.roles.values()):
            return max(hidden, 1)
        return hidden

    def make(self, sizes: Sequence[int], data: tuple[Any, Any] | None) -> Any:
        """A fresh object of these layer sizes. Raises UserError, or Unreadable with the flag to give."""
        if not self.is_class:
            if isinstance(self.root, ModuleType):
                return self.root
            with source.own_errors(self.path):
                return copy.deepcopy(self.root)
        x, y = data if data is not None else (np.zeros((7, sizes[0])), np.zeros((7, sizes[-1])))
        hidden = iter(sizes[1:-1])
        values: dict[str, Callable[[], Any]] = {
            "inputs_size": lambda: sizes[0],
            "hidden_size": lambda: next(hidden, sizes[-2]),
            "hidden_sizes": lambda: list(sizes[1:-1]),
            "outputs_size": lambda: sizes[-1],
            "sizes": lambda: list(sizes),
            "x": lambda: x,
            "y": lambda: y,
            "rate": lambda: probe.RATE,
            "epochs": lambda: 1,
            "seed": lambda: 0,
            "quiet": lambda: False,
            "batch": lambda: 7,
        }
        arguments = dict(self.init)
        for name, role in self.roles.items():
            if role == "unknown":
                raise Unreadable(
                    f'its constructor\'s argument {name!r} is not known; say what to give: --init "{name}=…"'
                )
            if role != "default":
                arguments[name] = values[role]()
        np.random.seed(0)
        with source.own_errors(self.path), np.errstate(all="ignore"):
            return self.root(*(sizes if self.spread else ()), **arguments)
