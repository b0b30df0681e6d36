"""Layouts: the shapes in which people keep weights, biases, inputs and targets, and the way to the canonical ones.

Canonical is x: (N, inputs), y: (N, outputs), W: (fan_in, fan_out), b: (fan_out,), with z = x W + b. Also seen:

    z = x Wᵀ + b      W: (fan_out, fan_in)                  b: (1, fan_out) in either
    Z = W X + b       features × examples, b: (fan_out, 1)  Z = Wᵀ X + b
    one row at a time, x: (inputs,)                         a last layer of one unit as a vector and a number
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from samegrad.impls.parameters import Array, Parameters, tensors

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Slot:
    """One tensor of the network, as the user keeps it."""

    tensor: str
    """W1, b1, W2, …"""
    canonical: Shape
    shape: Shape
    """The user's."""
    flipped: bool = False
    """Weights as (fan_out, fan_in)?"""

    def encode(self, value: Array) -> Array:
        """The user's array of a canonical one."""
        return np.array((value.T if self.flipped else value).reshape(self.shape), order="C")

    def decode(self, array: Any) -> Array:
        """The canonical array of the user's; a shape that does not fit is kept, so that it is seen to be wrong."""
        array = np.array(array, dtype=np.float64)  # a copy: the user's array may change with the next call
        if self.tensor.startswith("b"):
            if array.size == 1:
                return np.full(self.canonical, array.item())
            return array.reshape(self.canonical) if _fits(array.shape, self.shape) else np.squeeze(array)
        if array.shape == self.shape or (array.size == np.prod(self.shape) and _fits(array.shape, self.shape)):
            return array.reshape(self.canonical[::-1]).T if self.flipped else array.reshape(self.canonical)
        return array.T if self.flipped else array


def _fits(shape: Shape, expected: Shape) -> bool:
    """Equal up to axes of length one."""
    return [n for n in shape if n != 1] == [n for n in expected if n != 1]


@dataclass(frozen=True)
class ParameterLayout:
    """How a function expects its parameters."""

    flipped: bool
    bias: str
    """flat (n,), row (1, n), column (n, 1)."""
    vector: bool = False
    """The last layer, of one unit, as w: (fan_in,) and a number b; all numbers in a 1-1 network."""

    def slots(self, sizes: Sequence[int], biases: Sequence[bool]) -> list[Slot]:
        """The tensors of a network of these sizes; `biases` says which layers have one."""
        slots = []
        last = len(sizes) - 1
        for number, (fan_in, fan_out) in enumerate(itertools.pairwise(sizes), start=1):
            short = self.vector and number == last
            weights: Shape = (fan_out, fan_in) if self.flipped else (fan_in, fan_out)
            if short:
                weights = (fan_in,) if fan_in > 1 else ()
            slots.append(Slot(f"W{number}", (fan_in, fan_out), weights, self.flipped and not short))
            if biases[number - 1]:
                shape = {"flat": (fan_out,), "row": (1, fan_out), "column": (fan_out, 1)}[self.bias]
                slots.append(Slot(f"b{number}", (fan_out,), () if short else shape))
        return slots


PARAMETER_LAYOUTS = (
    ParameterLayout(False, "flat"),
    ParameterLayout(False, "row"),
    ParameterLayout(True, "column"),
    ParameterLayout(True, "flat"),
    ParameterLayout(True, "row"),
    ParameterLayout(False, "column"),
)
VECTOR_LAYOUTS = (
    ParameterLayout(False, "flat", vector=True),
    ParameterLayout(False, "row", vector=True),
    ParameterLayout(True, "flat", vector=True),
    ParameterLayout(True, "column", vector=True),
)


@dataclass(frozen=True)
class DataLayout:
    """How x and y are handed over."""

    name: str

    @property
    def single(self) -> bool:
        """One row at a time only?"""
        return "one" in self.name or "single" in self.name

    @property
    def labels(self) -> bool:
        """Are the targets classes: their numbers, or 0 and 1?"""
        return "labels" in self.name or "0 or 1" in self.name

    def encode(self, x: Array, y: Array) -> tuple[Any, Any]:
        """x: (N, inputs) and y: (N, outputs) as the user has them. Raises ValueError where that cannot be."""
        if self.single and len(x) != 1:
            raise ValueError("one row at a time")
        if "flat" in self.name and y.shape[1] != 1:
            raise ValueError("flat targets are for one output")
        if "labels" in self.name and y.shape[1] < 2:
            raise ValueError("labels are for several outputs")
        x, y = np.array(x), np.array(y)
        return {
            "rows": lambda: (x, y),
            "flat targets": lambda: (x, y[:, 0]),
            "columns": lambda: (x.T.copy(), y.T.copy()),
            "columns, flat targets": lambda: (x.T.copy(), y[:, 0]),
            "flat numbers": lambda: (x[:, 0], y[:, 0]) if x.shape[1] == 1 else _impossible(),
            "points": lambda: (np.hstack([x, y]), y),
            "data frame": lambda: _data_frame(x, y),
            "one row": lambda: (x[0], y[0]),
            "one row, flat number target": lambda: (x[0], y[0, 0]),
            "one column": lambda: (x.T.copy(), y.T.copy()),
            "flat single numbers": lambda: (x[0, 0], y[0, 0]) if x.shape[1] == 1 else _impossible(),
            "rows of rows": lambda: (x[:, None, :], y[:, None, :]),
            "rows of columns": lambda: (x[:, :, None], y[:, :, None]),
            "labels": lambda: (x, y.argmax(axis=1)),
            "rows, 0 or 1": lambda: (x, y),
            "flat targets, 0 or 1": lambda: (x, y[:, 0]),
            "columns, labels": lambda: (x.T.copy(), y.argmax(axis=1)),
            "one row, labels": lambda: (x[0], int(y.argmax())),
            "one column, labels": lambda: (x.T.copy(), int(y.argmax())),
            "lists": lambda: (x.tolist(), y.tolist()),
            "lists, flat targets": lambda: (x.tolist(), y[:, 0].tolist()),
            "one list": lambda: (x[0].tolist(), y[0].tolist()),
        }[self.name]()

    def predictions(self, array: Any, rows: int, outputs: int) -> Array | None:
        """(N, outputs) of what a forward pass returned, or None if it is no such thing."""
        try:
            array = np.asarray(array, dtype=complex if np.iscomplexobj(array) else np.float64)
        except (TypeError, ValueError):
            return None
        if array.size != rows * outputs or array.ndim > 3:
            return None
        if array.ndim == 2 and "column" in self.name and array.shape == (outputs, rows):
            return array.T
        if _fits(array.shape, (rows, outputs)):
            return array.reshape(rows, outputs)
        return array.T if array.shape == (outputs, rows) else None


POINTS = DataLayout("points")
"""The targets are the last column of the inputs: for a function that takes no others."""


DATA_FRAME = DataLayout("data frame")
"""A table of pandas, and the name of the column that holds the targets."""


def _data_frame(x: Array, y: Array) -> tuple[Any, str]:
    import pandas

    if y.shape[1] != 1:
        raise ValueError("one column holds the targets")
    columns = [*(f"x{n}" for n in range(1, x.shape[1] + 1)), "y"]
    return pandas.DataFrame(np.hstack([x, y]), columns=columns), columns[-1]


def _impossible() -> Any:
    raise ValueError("this layout is for one input")


ROWS, FLAT, COLUMNS = DataLayout("rows"), DataLayout("flat targets"), DataLayout("columns")
DATA_LAYOUTS = (
    ROWS,
    COLUMNS,
    DataLayout("flat numbers"),
    FLAT,
    DataLayout("columns, flat targets"),
    DataLayout("labels"),
    DataLayout("columns, labels"),
    POINTS,
    DataLayout("one row"),
    DataLayout("one row, flat number target"),
    DataLayout("one column"),
    DataLayout("one row, labels"),
    DataLayout("one column, labels"),
    DataLayout("flat single numbers"),
    DataLayout("rows of rows"),
    DataLayout("rows of columns"),
    DataLayout("lists"),
    DataLayout("lists, flat targets"),
    DataLayout("one list"),
    DataLayout("rows, 0 or 1"),
    DataLayout("flat targets, 0 or 1"),
)


def encode(slots: Sequence[Slot], parameters: Parameters) -> dict[str, Array]:
    """The user's array for every slot, by the tensor's name."""
    values = tensors(parameters)
    return {slot.tensor: slot.encode(values[slot.tensor]) for slot in slots}
