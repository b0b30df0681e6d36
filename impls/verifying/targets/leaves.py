"""Leaves: the numeric arrays in whatever people return or keep them in, each under a name, and put back in place."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np

from impls.parameters import Array

DEPTH = 4


def to_array(value: Any) -> Array | None:
    """A real array of a number, an array, nested lists of numbers or a framework's tensor; None of anything else."""
    if value is None or isinstance(value, str | bytes | bool | dict | set | ModuleType) or callable(value):
        return None
    if hasattr(value, "detach") and hasattr(value, "cpu"):
        value = value.detach().cpu().numpy()
    if isinstance(value, list | tuple) and not _numbers(value):
        return None
    try:
        array = np.asarray(value)
    except (ValueError, TypeError):
        return None
    return array if array.dtype.kind in "fiu" and array.ndim <= 3 else None


def _numbers(value: Sequence) -> bool:
    """Nested lists of plain numbers, not a list of arrays."""
    return bool(value) and all(
        (isinstance(v, int | float | np.number) and not isinstance(v, bool))
        or (isinstance(v, list | tuple) and _numbers(v))
        for v in value
    )


def of_result(value: Any, names: Sequence[str] | None = None, path: str = "") -> Iterator[tuple[str, Array]]:
    """(name, array) for everything numeric in a returned structure; `names` are those of the return statement."""
    if (array := to_array(value)) is not None and not (isinstance(value, list | tuple) and names and len(names) > 1):
        yield (names[0] if names and len(names) == 1 and not path else path), array
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from of_result(item, None, f"{path}.{key}" if path else str(key))
    elif hasattr(value, "_fields"):
        for key in value._fields:
            yield from of_result(getattr(value, key), None, f"{path}.{key}" if path else key)
    elif isinstance(value, list | tuple):
        named = names if names and len(names) == len(value) else None
        base = names[0] if names and len(names) == 1 and not path else path
        for index, item in enumerate(value):
            yield from of_result(item, None, named[index] if named else f"{base}[{index}]")
    elif hasattr(value, "__dict__") and not callable(value):
        for key, item in vars(value).items():
            yield from of_result(item, None, f"{path}.{key}" if path else key)


@dataclass
class Leaf:
    """A numeric value in an object, list or dictionary, by its path."""

    name: str
    container: Any
    key: Any

    def get(self) -> Any:
        if isinstance(self.container, dict | list | tuple):
            return self.container[self.key]
        return getattr(self.container, self.key)

    def array(self) -> Array:
        array = to_array(self.get())
        return np.asarray(np.nan) if array is None else np.array(array)

    def set(self, value: Array) -> None:
        """Write into the array where that can be (so that other names for it see it too), else put a new one there."""
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
        if isinstance(self.container, tuple):
            raise TypeError(f"{self.name} is in a tuple and cannot be set")
        if isinstance(self.container, dict | list):
            self.container[self.key] = new
        else:
            setattr(self.container, self.key, new)


def of_object(root: Any, home: str, path: str = "", depth: int = 0, seen: set[int] | None = None) -> Iterator[Leaf]:
    """Every numeric leaf below an object: in attributes, lists, dictionaries, and objects of module `home`."""
    seen = set() if seen is None else seen
    if id(root) in seen or depth > DEPTH:
        return
    seen.add(id(root))
    for key, value in _items(root):
        name = f"{path}[{key!r}]" if isinstance(root, dict | list | tuple) else f"{path}.{key}" if path else str(key)
        if to_array(value) is not None:
            yield Leaf(name, root, key)
        elif isinstance(value, dict | list | tuple) or (type(value).__module__ == home and hasattr(value, "__dict__")):
            yield from of_object(value, home, name, depth + 1, seen)


def _items(root: Any) -> list[tuple[Any, Any]]:
    if isinstance(root, dict):
        return list(root.items())
    if isinstance(root, list | tuple):
        return list(enumerate(root))
    own = dict(vars(root))
    if not isinstance(root, type | ModuleType):
        for base in reversed(type(root).__mro__[:-1]):
            inherited = {k: v for k, v in vars(base).items() if to_array(v) is not None and k not in own}
            own.update(inherited)
    return [(k, v) for k, v in own.items() if not k.startswith("__")]
