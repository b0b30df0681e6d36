"""Reading gradients off a target, from its change, and setting the globals of its file before it is called."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import numpy as np

from impls.parameters import Array, Parameters
from impls.verifying.targets import leaves, names
from impls.verifying.targets.layouts import DataLayout, Slot


class Unreadable(Exception):
    """The target was called, but no gradients could be found in what it did; the message says what to change."""

    depth = 0
    """How far the target got, in the units of `UserError`: its last line if it ran to its end."""


def ran_to_the_end(message: str) -> Unreadable:
    error = Unreadable(message)
    error.depth = 10**9
    return error


@dataclass
class Reading:
    """What one call of a target gave, in the canonical layout."""

    gradients: dict[str, Array]
    kind: str
    """"returned", or "update" where they were recovered from the change of the parameters."""
    slack: dict[str, Array] = field(default_factory=dict)
    loss: float | None = None
    predictions: Array | None = None
    dtype: str = "float64"
    absent: list[str] = field(default_factory=list)
    """Parameters for which nothing was returned."""
    rate_known: bool = True
    loss_is_given: bool = False
    """The target was handed ∂L/∂a of the mean squared error."""
    parameters: Parameters | None = None
    """Where the target chose its own."""


def output_among(result: Any, data: DataLayout, x: Array, y: Array) -> tuple[Array | None, Any]:
    """The predictions among what a forward pass returned: the first of a pair with a cache, the last of a list."""
    parts = (
        list(result.values())
        if isinstance(result, dict)
        else list(result)
        if isinstance(result, tuple | list)
        else [result]
    )
    if isinstance(result, tuple) and any(isinstance(p, dict | tuple | list) for p in parts):
        parts = [p for p in parts if not isinstance(p, dict | tuple | list)] or list(_tail(parts))
    for part in reversed(parts):
        array = leaves.to_array(part[-1] if isinstance(part, list) and part else part)
        if array is not None and (found := data.predictions(array, *y.shape)) is not None:
            return found, part
    return None, None


def _tail(parts: list) -> Iterator[Any]:
    for part in parts:
        yield from part.values() if isinstance(part, dict) else part


def reading_of_change(
    slots: Sequence[Slot], before: dict[str, Array], after: dict[str, Array], rate: float, known: bool
) -> Reading:
    """g = (p − p′)/rate, with the bound on the rounding of the step and of the subtraction.

    p′ = fl(p − fl(rate·g)) is within u|p′| + u·rate|g| of exact, and p − p′ is exact where the two are near each other
    (Sterbenz) and within u|p − p′| otherwise; so g is within u(|p′| + 2|p − p′|)/rate, doubled for an update in
    two parts.
    """
    rate = rate if known else 1.0
    gradients, slack, dtypes = {}, {}, set()
    for slot in slots:
        p, new = before[slot.tensor], after[slot.tensor]
        dtypes.add(new.dtype)
        u = np.finfo(new.dtype if new.dtype.kind == "f" else np.float64).eps / 2
        with np.errstate(all="ignore"):
            change = p.astype(np.float64) - new.astype(np.float64)
        gradients[slot.tensor] = slot.decode(change / rate)
        if change.shape == p.shape:
            slack[slot.tensor] = slot.decode(2 * u * (abs(p) + abs(new) + 2 * abs(change)) / rate)
    return Reading(
        gradients, "update", slack, dtype="float32" if dtypes == {np.dtype("float32")} else "float64", rate_known=known
    )


def rate_globals(module: ModuleType) -> Iterator[str]:
    for name, value in vars(module).items():
        if isinstance(value, float | int) and not isinstance(value, bool) and names.role(name, ("rate",)):
            yield name


def set_globals(module: ModuleType, rate: float) -> None:
    """Give the file's own constants for the learning rate and the number of epochs our values."""
    for name in list(rate_globals(module)):
        setattr(module, name, rate)
    for name, value in list(vars(module).items()):
        if isinstance(value, int) and not isinstance(value, bool) and names.role(name, ("epochs",)):
            setattr(module, name, 1)


def data_globals(module: ModuleType) -> dict[str, str]:
    """The file's own arrays of inputs and targets: name → x or y."""
    arrays = {n: v for n, v in vars(module).items() if isinstance(v, np.ndarray) and v.dtype.kind in "fiub"}
    return {name: role for name in arrays if (role := names.role(name, ("x", "y")))}


def set_data(module: ModuleType, own: dict[str, str], x: Any, y: Any) -> None:
    """Put the probe's rows in the place of the file's own, for functions that read those instead of arguments."""
    for name, role in own.items():
        setattr(module, name, x if role == "x" else y)
