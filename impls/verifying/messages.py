"""What passes between `verify` and the target's process: JSON only, so that nothing is ever unpickled or executed.

Arrays travel as {"shape": …, "values": …}: Python writes a float64 so that reading it back gives the same number.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from samegrad.impls.parameters import Array, Layer, Parameters


def pack(value: Any) -> Any:
    """Arrays, numbers, lists and dictionaries as JSON can represent them."""
    if isinstance(value, np.ndarray | np.generic):
        array = np.asarray(value, dtype=np.float64)
        return {"shape": list(array.shape), "values": array.ravel().tolist()}
    if isinstance(value, dict):
        return {key: pack(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [pack(item) for item in value]
    return value


def unpack(value: Any) -> Any:
    """The values that `pack` packed; tuples come back as lists."""
    if isinstance(value, dict):
        if set(value) == {"shape", "values"}:
            return np.array(value["values"], dtype=np.float64).reshape(value["shape"])
        return {key: unpack(item) for key, item in value.items()}
    if isinstance(value, list):
        return [unpack(item) for item in value]
    return value


def dumps(value: Any) -> str:
    """One line of JSON for `loads`."""
    return json.dumps(pack(value))


def loads(text: str) -> Any:
    """The values that `dumps` was given, with arrays as arrays."""
    return unpack(json.loads(text))


def to_layers(lists: list[list[Array]]) -> Parameters:
    """The parameters of pairs [W, b], as they come out of a message."""
    return [Layer(W, b) for W, b in lists]
