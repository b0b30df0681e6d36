"""Constructors: making an object of a user's class, of given layer sizes where its constructor takes any."""

from __future__ import annotations

import copy
import inspect
import itertools
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from samegrad.impls.verifying.target import names, source, usage
from samegrad.impls.verifying.target.calls import Unreadable

ROLES = (
    "depth", "hidden_size", "sizes", "rate", "epochs", "seed", "quiet",
    "inputs_size", "outputs_size", "x", "y", "batch",
)  # fmt: skip
SIZES = {"inputs_size", "hidden_size", "hidden_sizes", "outputs_size", "sizes", "x"}
BY_COUNT: dict[int, list[tuple[str, ...]]] = {
    1: [("inputs_size",), ("sizes",), ("hidden_size",)],
    2: [("inputs_size", "outputs_size"), ("inputs_size", "hidden_size"), ("hidden_size", "hidden_size"), ("x", "y")],
    3: [("inputs_size", "hidden_size", "outputs_size"), ("x", "y", "hidden_size")],
    4: [("inputs_size", "hidden_size", "hidden_size", "outputs_size")],
}
"""What arguments may be whose names say nothing, by how many there are."""


class Constructor:
    """How to make the object: a role for every argument of a class's `__init__`, or a copy of the user's own object."""

    def __init__(self, root: Any, path: Path, init: dict[str, Any]) -> None:
        """`init` are arguments that the user gave by hand. Raises nothing: what is unknown is said when it is made."""
        self.root, self.path, self.init = root, path, init
        self.is_class = inspect.isclass(root)
        self.spread = False
        """Does it take its sizes as *sizes?"""
        self.parameters = self._parameters() if self.is_class else []
        self.settings = {p.name: kind for p in self.parameters if (kind := self._own_kind(p)) and kind is not root}
        """The arguments that hold further ones: objects of a class of the user's."""
        self.roles = self._roles()
        self.sizeable = self.spread or bool(SIZES & set(self.roles.values()))

    def _own_kind(self, p: inspect.Parameter) -> type | None:
        """The class of the user's of which an argument without a default is an object."""
        module = vars(sys.modules.get(self.root.__module__, inspect))
        kind = module.get(p.annotation) if isinstance(p.annotation, str) else p.annotation
        return kind if inspect.isclass(kind) and p.default is p.empty and source.is_own(self.path)(kind) else None

    def _parameters(self) -> list[inspect.Parameter]:
        try:
            every = list(inspect.signature(self.root).parameters.values())
        except (TypeError, ValueError):
            return []
        self.spread = any(
            p.kind is p.VAR_POSITIONAL and (p.name == "args" or names.role(p.name, ("sizes",))) for p in every
        )
        return [p for p in every if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL) and p.name not in self.init]

    def _roles(self) -> dict[str, str]:
        roles: dict[str, str] = {}
        letters = names.LETTERS if any(p.name == "D" for p in self.parameters) else {}
        beside_hidden = any(names.role(p.name, ("hidden_size",)) for p in self.parameters)
        for p in self.parameters:
            role = letters.get(p.name) or names.role(p.name, ROLES)
            if role == "hidden_size" and names.HIDDEN_LIST.fullmatch(p.name.lower()) and _is_list(p):
                role = "hidden_sizes"
            if p.name.lower() in ("inputs", "input", "outputs", "output") and not beside_hidden:
                role = "x" if p.name.lower().startswith("in") else "y"  # arrays, not numbers of units
            if "array" in p.name.lower() and role in (None, "x", "y"):
                role = "y" if names.TARGET_ARRAY.match(p.name.lower()) else "x"
            if role in SIZES and isinstance(p.default, str | bool):
                role = None
            if role == "depth" and not any(names.role(other.name, ("sizes",)) for other in self.parameters):
                role = None
            if p.default is None and (role in ("x", "y") or names.tensor(p.name)):
                role = None
            roles[p.name] = role or ("default" if p.default is not p.empty else "unknown")
            if roles[p.name] == "unknown" and p.name in self._in_use():
                roles[p.name] = "in use"
        units = {"hidden_size", "outputs_size"} & set(roles.values())
        if units and "x" in roles.values() and "y" not in roles.values():  # features, hidden, classes: numbers
            roles = {n: "inputs_size" if r == "x" else r for n, r in roles.items()}
        return roles

    def variants(self) -> Iterator[dict[str, str]]:
        """Roles for all arguments; where names say nothing, what their number suggests, one guess after another."""
        unknown = [name for name, role in self.roles.items() if role == "unknown" and name not in self.settings]
        if not unknown:
            yield self.roles
            if {"x", "y"} <= set(self.roles.values()):  # or how many of them
                number = {"x": "inputs_size", "y": "outputs_size"}
                yield {n: number.get(r, r) for n, r in self.roles.items()}
            if "hidden_size" in self.roles.values():  # or a list of them
                yield {n: "sizes" if r == "hidden_size" else r for n, r in self.roles.items()}
                yield {n: "hidden_sizes" if r == "hidden_size" else r for n, r in self.roles.items()}
            return
        known = set(self.roles.values())
        for guess in BY_COUNT.get(len(unknown), ()):
            if not (known & SIZES and set(guess) & known & {"inputs_size", "outputs_size", "sizes"}):
                yield {**self.roles, **dict(zip(unknown, guess, strict=True))}

    def _in_use(self) -> dict[str, Any]:
        """Arguments as the file itself gives them, where they are no numbers: a word, a function, a list of layers."""
        given = usage.arguments_in_use(self.root, self.path) if self.is_class else {}
        return {name: value for name, value in given.items() if not _is_number(value)}

    def hidden_layers(self) -> int | None:
        """How many hidden layers its arguments, or their own default values, speak of; None where it can vary.

        A list of activations that the file gives goes with the sizes that it gives beside them.
        """
        given = usage.arguments_in_use(self.root, self.path) if "in use" in self.roles.values() else {}
        for p in self.parameters:
            role, own = self.roles[p.name], given.get(p.name, p.default)
            if role in ("sizes", "hidden_sizes") and isinstance(own, list | tuple):
                return len(own) - (2 if role == "sizes" else 0)
        for value in self.init.values():
            if isinstance(value, list | tuple) and len(value) > 1 and all(isinstance(v, int) for v in value):
                return len(value) - 2
        if self.spread or {"sizes", "hidden_sizes"} & set(self.roles.values()):
            return None
        hidden = sum(role == "hidden_size" for role in self.roles.values())
        if hidden == 1 and not {"inputs_size", "outputs_size", "x"} & set(self.roles.values()):
            return None  # units, nodes, …: a number, or a list of them
        return max(hidden, 1) if "x" in self.roles.values() else hidden

    def make(
        self, roles: dict[str, str], sizes: Sequence[int], data: tuple[Any, Any] | None, rate: float, epochs: int
    ) -> Any:
        """A fresh object of these layer sizes. Raises UserError, or Unreadable with the flag to give."""
        seed_everything()
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
            "depth": lambda: len(sizes),
            "x": lambda: x,
            "y": lambda: y,
            "rate": lambda: rate,
            "epochs": lambda: epochs,
            "seed": lambda: 0,
            "quiet": lambda: False,
            "batch": lambda: len(x) if np.ndim(x) else 1,
        }
        arguments = dict(self.init)
        for p in self.parameters:
            role = roles.get(p.name, "unknown")
            if role == "unknown" and p.name in self.settings:
                inner = Constructor(self.settings[p.name], self.path, {})
                arguments[p.name] = inner.make(inner.roles, sizes, data, rate, epochs)
                continue
            if role == "unknown":
                raise Unreadable(
                    f'its constructor\'s argument {p.name!r} is not known; say what to give: --init "{p.name}=…"'
                )
            if role == "in use":
                arguments[p.name] = self._in_use()[p.name]
                continue
            if role == "quiet" and not isinstance(p.default, bool) and p.default is not p.empty:
                continue
            if role != "default":
                arguments[p.name] = values[role]()
        with source.own_errors(self.path), np.errstate(all="ignore"):
            return self.root(*(sizes if self.spread else ()), **arguments)


def _is_number(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return all(map(_is_number, value))
    return isinstance(value, int | float | np.ndarray) and not isinstance(value, bool)


def _is_list(p: inspect.Parameter) -> bool:
    """May the argument be a list of sizes? Not where its default is one number, or its name speaks of units."""
    if isinstance(p.default, list | tuple) or "list" in str(p.annotation).lower():
        return True
    return not isinstance(p.default, int) and bool(names.SIZES_LIST.search(p.name.lower()))


def seed_everything() -> None:
    """The same random numbers for everything that is made or called from here on."""
    import random

    np.random.seed(0)
    random.seed(0)
    if (torch := sys.modules.get("torch")) is not None:
        torch.manual_seed(0)


def fix_unseeded_generators() -> None:
    """Make `np.random.default_rng()` and `RandomState()` give the same numbers each time, as a probe needs."""
    generator, state = np.random.default_rng, np.random.RandomState
    np.random.default_rng = lambda seed=None: generator(0 if seed is None else seed)  # type: ignore[assignment]

    class Seeded(state):  # type: ignore[misc, valid-type]
        def __init__(self, seed: Any = None) -> None:
            super().__init__(0 if seed is None else seed)

    np.random.RandomState = Seeded  # type: ignore[misc]


def other_inputs(sizes: Sequence[int], taken: Sequence[int]) -> tuple[int, ...]:
    """Sizes to ask for with another number of inputs, where a layer that is fixed happens to be as large."""
    return (next(n for n in itertools.count(6) if n not in (*sizes, *taken)), *sizes[1:])
