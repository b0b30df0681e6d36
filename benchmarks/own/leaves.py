"""The leaves of a result: what its tuples, lists, dictionaries and dataclasses contain, with the numbers in NumPy."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

DEEPEST = 12
MOST = 10_000


def leaves(result: Any, path: str = "", depth: int = 0) -> Iterator[tuple[str, Any]]:
    """Every leaf with the expression that leads to it from the result, such as `[0]['loss'].value`."""
    if depth > DEEPEST:
        yield path, result
    elif isinstance(result, tuple | list):
        for number, part in enumerate(result):
            yield from leaves(part, f"{path}[{number}]", depth + 1)
    elif isinstance(result, Mapping):
        for key, part in result.items():
            yield from leaves(part, f"{path}[{key!r}]", depth + 1)
    elif dataclasses.is_dataclass(result) and not isinstance(result, type):
        for field in dataclasses.fields(result):
            yield from leaves(getattr(result, field.name, None), f"{path}.{field.name}", depth + 1)
    else:
        yield path, result


def to_array(leaf: Any) -> NDArray[Any] | None:
    """The leaf's numbers in NumPy, None where it has none."""
    module = type(leaf).__module__.partition(".")[0]
    try:
        if module == "torch" and hasattr(leaf, "detach"):
            leaf = leaf.detach().cpu()
            leaf = (leaf.float() if str(leaf.dtype) == "torch.bfloat16" else leaf).resolve_conj().numpy()
        elif isinstance(leaf, bool | int | float | complex) or hasattr(leaf, "__array__"):
            leaf = np.asarray(leaf)
    except Exception:  # whatever a foreign array may raise that cannot be one of NumPy's
        return None
    if isinstance(leaf, np.generic | np.ndarray) and leaf.dtype != object:
        array = np.asarray(leaf)
        return array if array.dtype.kind in "biufcMmSUV" else array.astype(np.float32)  # ml_dtypes' bfloat16
    return None


def fingerprint(value: Any) -> dict[str, str]:
    """A text for each leaf that changes with its content, or with its identity where it is no number, text or None."""
    texts = {}
    for number, (path, leaf) in enumerate(leaves(value)):
        if number >= MOST:
            break
        array = to_array(leaf)
        if array is not None:
            texts[path] = (
                f"{array.dtype} {array.shape} {hashlib.sha1(np.ascontiguousarray(array).tobytes()).hexdigest()}"
            )
        else:
            texts[path] = repr(leaf) if isinstance(leaf, str | bytes | None) else f"{type(leaf).__name__} {id(leaf)}"
    return texts
