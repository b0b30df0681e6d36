"""What passes between `verify` and the target's process: JSON only, so that nothing is ever unpickled or executed.

Arrays travel as {"shape": …, "values": …}: Python writes a float64 so that reading it back gives the same number.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from samegrad.impls.parameters import Array, Layer, Parameters


def dumps(value: Any) -> str:
    """One line of JSON for `loads`."""
    return json.dumps(value, default=_packed)


def loads(text: str | bytes) -> Any:
    """The value that `dumps` was given, with arrays as arrays; tuples come back as lists."""
    return json.loads(text, object_hook=_unpacked)


def _packed(array: Any) -> dict[str, Any]:
    array = np.asarray(array, dtype=np.float64)
    return {"shape": array.shape, "values": array.ravel().tolist()}


def _unpacked(value: dict[str, Any]) -> Any:
    if set(value) == {"shape", "values"}:
        return np.array(value["values"], dtype=np.float64).reshape(value["shape"])
    return value


def to_layers(lists: list[list[Array]]) -> Parameters:
    """The parameters of pairs [W, b], as they come out of a message."""
    return [Layer(W, b) for W, b in lists]
