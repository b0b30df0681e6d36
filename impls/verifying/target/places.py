"""Places: the numeric values in whatever people keep or return them in, each under a name, to be read and set.

A place is a `Leaf` (one value in an object, list or dictionary), a `Stack` (the same attribute of several neurons, as
one matrix), or a `Part` of either (the bias that is the first or last entry of the weights, and the weights beside it).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np

from samegrad.impls.parameters import Array
from samegrad.impls.verifying.target import names

DEPTH = 5
"""How many containers within containers are looked into."""


def to_array(value: Any, kinds: str = "fiu") -> Array | None:
    """An array of a number, an array, nested lists of numbers or a framework's tensor; None of anything else.

    `kinds`: of real numbers, unless a "c" for complex ones is added.
    """
    if value is None or isinstance(value, str | bytes | bool | dict | set | ModuleType) or callable(value):
        return None
    if hasattr(value, "detach") and hasattr(value, "cpu"):
        value = value.detach().cpu().numpy()
    if isinstance(value, list | tuple) and not _numbers(value):
        return None
    if not isinstance(value, int | float | list | tuple) and not hasattr(value, "__array__"):
        return None  # NumPy would ask it for entry after entry, which of np.r_ and the like has no end
    try:
        array = np.asarray(value)
    except (ValueError, TypeError):
        return None
    return array if array.dtype.kind in kinds and array.ndim <= 3 else None


def _numbers(value: Sequence) -> bool:
    """Nested lists of plain numbers, not a list of arrays."""
    kinds = set(map(type, value))
    nested = {kind for kind in kinds if issubclass(kind, list | tuple)}
    plain = all(issubclass(kind, int | float | np.number) and kind is not bool for kind in kinds - nested)
    return bool(value) and plain and (not nested or all(_numbers(v) for v in value if type(v) in nested))


def of_result(
    value: Any, labels: Sequence[str] | None = None, path: str = "", joined: bool = False
) -> Iterator[tuple[str, Array]]:
    """(name, array) for everything numeric in a returned structure; `labels` are the names in the return statement.

    A list of rows is one matrix where its name is that of a tensor, or anyhow if `joined`.
    """
    array = to_array(value)
    named = (t := names.tensor(path)) and t.rank < names.SOMEWHERE
    if array is None and isinstance(value, list) and (named or (joined and path)):
        array = _rows(value)
    if array is not None and not (isinstance(value, list | tuple) and labels and len(labels) > 1):
        yield (labels[0] if labels and len(labels) == 1 and not path else path), array
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from of_result(item, None, f"{path}.{key}" if path else str(key), joined)
    elif hasattr(value, "_fields"):
        for key in value._fields:
            yield from of_result(getattr(value, key), None, f"{path}.{key}" if path else key, joined)
    elif isinstance(value, list | tuple):
        labelled = labels if labels and len(labels) == len(value) else None
        base = labels[0] if labels and len(labels) == 1 and not path else path
        for index, item in enumerate(value):
            yield from of_result(item, None, (labelled[index] if labelled else "") or f"{base}[{index}]", joined)
    elif hasattr(value, "__dict__") and not callable(value):
        for key, item in vars(value).items():
            yield from of_result(item, None, f"{path}.{key}" if path else key, joined)


def _rows(value: list) -> Array | None:
    """One matrix of a list of vectors of one length."""
    rows = [to_array(item) for item in value]
    if not rows or any(row is None or row.ndim != 1 or row.shape != rows[0].shape for row in rows):  # type: ignore[union-attr]
        return None
    return np.stack(rows)  # type: ignore[arg-type]


@dataclass
class Leaf:
    """A numeric value in an object, list or dictionary, by its path."""

    name: str
    container: Any
    key: Any

    def get(self) -> Any:
        """The value itself, as the user has it."""
        if isinstance(self.container, dict | list | tuple):
            return self.container[self.key]
        return getattr(self.container, self.key)

    def array(self) -> Array:
        """A copy of the value; NaN where it is no longer a number."""
        array = to_array(self.get())
        return np.asarray(np.nan) if array is None else np.array(array)

    def set(self, value: Array) -> None:
        """Write into the array where possible, so that its other names see it too; else put a new one there."""
        old = self.get()
        if isinstance(old, np.ndarray) and old.shape == value.shape and old.dtype.kind == "f" and old.flags.writeable:
            old[...] = value
            return
        new: Any = value
        if hasattr(old, "detach"):
            import torch

            new = torch.tensor(value, dtype=old.dtype, requires_grad=old.requires_grad)
        elif isinstance(old, list):
            new = value.tolist()
        elif not isinstance(old, np.ndarray):
            new = float(value) if value.ndim == 0 else value
        elif old.dtype.kind == "f":
            new = value.astype(old.dtype)
        self.put(new)

    def put(self, new: Any) -> None:
        """Another value in its place. Raises TypeError in a tuple."""
        if isinstance(self.container, tuple):
            raise TypeError(f"{self.name} is in a tuple and cannot be set")
        if isinstance(self.container, dict | list):
            self.container[self.key] = new
        else:
            setattr(self.container, self.key, new)


@dataclass
class Stack:
    """Several values as one array: `hidden[*].weights` of all units, (units, inputs), or numbers w1, …, w4."""

    name: str
    parts: list[Leaf]
    shape: tuple[int, ...] | None = None
    """Of numbers that fill a matrix row by row; None where each part is a row."""

    def get(self) -> Any:
        """Itself, as there is no one value."""
        return self

    def array(self) -> Array:
        """One row for each part."""
        rows = np.stack([part.array() for part in self.parts])
        return rows if self.shape is None or rows.size != len(self.parts) else rows.reshape(self.shape)

    def set(self, value: Array) -> None:
        """Give every part its row."""
        for part, row in zip(self.parts, value if self.shape is None else value.ravel(), strict=True):
            part.set(row)


@dataclass
class Part:
    """The bias, or the weights, of an array that holds both along one axis."""

    whole: Leaf | Stack
    axis: int
    first: bool
    """Is the bias the first entry along the axis, and not the last?"""
    is_bias: bool

    @property
    def name(self) -> str:
        """That of the whole, with the part that this is: weights[:-1], weights[-1]."""
        where = {(True, True): "[0]", (True, False): "[-1]", (False, True): "[1:]", (False, False): "[:-1]"}
        return self.whole.name + where[self.is_bias, self.first]

    def get(self) -> Any:
        """Itself, as it is only a view of a value."""
        return self

    def take(self, array: Array) -> Array:
        """This part of an array of the whole's shape."""
        entry: Any = (0 if self.first else -1) if self.is_bias else slice(1, None) if self.first else slice(None, -1)
        return array[tuple(entry if axis == self.axis else slice(None) for axis in range(array.ndim))]

    def array(self) -> Array:
        """A copy of this part."""
        return np.array(self.take(self.whole.array()))

    def set(self, value: Array) -> None:
        """Write this part, and leave the other as it is."""
        array = self.whole.array().astype(np.float64)
        part = self.take(array)
        if part.ndim:
            part[...] = value
        else:
            array[0 if self.first else -1] = value
        self.whole.set(array)


Place = Leaf | Stack | Part


def of_object(
    root: Any, own: Callable[[type], bool], path: str = "", depth: int = 0, seen: set[int] | None = None
) -> Iterator[Leaf]:
    """Every numeric leaf below an object: in attributes, lists, dictionaries, and objects of the user's own classes."""
    seen = set() if seen is None else seen
    if id(root) in seen or depth > DEPTH:
        return
    seen.add(id(root))
    for key, value in _items(root):
        name = f"{path}[{key!r}]" if isinstance(root, dict | list | tuple) else f"{path}.{key}" if path else str(key)
        if to_array(value) is not None:
            yield Leaf(name, root, key)
        elif isinstance(value, dict | list | tuple) or (_has_values(value, own) and hasattr(value, "__dict__")):
            yield from of_object(value, own, name, depth + 1, seen)


def _has_values(value: Any, own: Callable[[type], bool]) -> bool:
    """Is it an object of the user's own class, or such a class that is only a shelf of constants?"""
    if isinstance(value, type):
        return own(value) and not any(callable(v) for k, v in vars(value).items() if not k.startswith("__"))
    return own(type(value))


def _items(root: Any) -> list[tuple[Any, Any]]:
    if isinstance(root, dict):
        return list(root.items())
    if isinstance(root, list | tuple):
        return list(enumerate(root))
    own = dict(vars(root))
    if not isinstance(root, type | ModuleType):
        for base in reversed(type(root).__mro__[:-1]):
            own.update({k: v for k, v in vars(base).items() if to_array(v) is not None and k not in own})
    return [(k, v) for k, v in own.items() if not k.startswith("__")]


_OF_LIST = re.compile(r"^(?P<list>.*)\[(?P<index>\d+)\](?P<rest>(?:\.\w+|\['\w+'\]))$")


def stacks(leaves: Sequence[Leaf]) -> list[Stack]:
    """The values that every object of a list has alike: numbers, or vectors of one length."""
    groups: dict[str, list[Leaf]] = {}
    for leaf in leaves:
        if match := _OF_LIST.match(leaf.name):
            groups.setdefault(f"{match['list']}[*]{match['rest']}", []).append(leaf)
    return [
        Stack(name, parts)
        for name, parts in groups.items()
        if parts[0].array().ndim <= 1 and all(part.array().shape == parts[0].array().shape for part in parts)
    ]
