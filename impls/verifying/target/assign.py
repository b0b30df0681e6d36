"""Assignment: which of the returned values is the gradient of which parameter.

Names decide where they can (the keys of a dictionary, the names in the return statement), then the order where the
numbers agree, then shapes.
"""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from samegrad.impls.parameters import Array
from samegrad.impls.verifying.target import names
from samegrad.impls.verifying.target.layouts import Slot

Value = tuple[str, Array]


class Assigned(NamedTuple):
    """Which of the returned values is what."""

    gradients: dict[str, Array]
    """By tensor; those that were not found are absent."""
    loss: float | None
    labelled: bool
    """Do the names say that these are gradients?"""


def assign(leaves: Sequence[Value], slots: Sequence[Slot], own: Mapping[str, str] = {}) -> Assigned | None:
    """The gradient of each slot among the returned leaves; None where not even every weight has one.

    `own` has the parameters' names by their tensors: under `c` may be the gradient of a bias c, and not a loss.
    """

    def is_loss(name: str, value: Array) -> bool:
        return value.size == 1 and name not in own.values() and bool(names.RETURNED_LOSS.search(name))

    plain = [(names.last(n), v) for n, v in leaves if not names.tensor(n)]
    loss = next((float(v.item()) for n, v in plain if is_loss(n, v)), None)
    parsed = [(names.tensor(name), value) for name, value in leaves]
    for gradients_only in (True, False):
        labelled = [(t, v) for t, v in parsed if t and (t.gradient or not gradients_only)]
        gradients = _by_name(labelled, slots)
        if gradients:
            unnamed = [v for t, v in parsed if t is None and v.size > 1]
            gradients.update(_left_over(unnamed, [slot for slot in slots if slot.tensor not in gradients]))
            missing = {own[slot.tensor]: slot.tensor for slot in slots if slot.tensor in own.keys() - gradients.keys()}
            gradients.update({missing[n]: v for n, v in plain if n in missing})
            return Assigned(gradients, loss if loss is not None else _stray_number(parsed), gradients_only)
    parts = ((names.last(n), v) for n, v in leaves)
    values = [v for n, v in parts if not is_loss(n, v) and not names.RETURNED_RESULT.search(n)]
    if all(value.size == 1 for value in values) and set(own) == {slot.tensor for slot in slots}:
        slots = sorted(slots, key=lambda slot: list(own).index(slot.tensor))  # numbers come in the arguments' order
    matched = _by_order(values, slots)
    for number, rest in ((values[0], values[1:]), (values[-1], values[:-1])) if len(values) > len(slots) else ():
        if matched is None and number.size == 1 and (matched := _by_order(rest, slots)):
            loss = float(number.item())
    every = [v for _, v in leaves]  # g_hidden and g_out are called like results, and may be gradients by their shapes
    matched = matched or _by_shape(values, slots) or _flat(values, slots) or _by_shape(every, slots)
    return Assigned(matched, loss, False) if matched else None


def _left_over(values: Sequence[Array], slots: Sequence[Slot]) -> dict[str, Array]:
    """Values without a telling name that have the shape of a tensor which is still missing."""
    free = list(values)
    assigned: dict[str, Array] = {}
    for slot in slots:
        index = next((i for i, value in enumerate(free) if _same_shape(value.shape, slot.shape)), None)
        if index is not None:
            assigned[slot.tensor] = free.pop(index)
    return assigned


def _stray_number(parsed: Sequence[tuple[names.Tensor | None, Array]]) -> float | None:
    """An unnamed number beside named gradients is the loss."""
    numbers = [v for t, v in parsed if t is None and v.size == 1]
    return float(numbers[0].item()) if len(numbers) == 1 else None


def _by_name(labelled: Sequence[tuple[names.Tensor, Array]], slots: Sequence[Slot]) -> dict[str, Array]:
    """Match by kind, and within a kind by the rank in the names."""
    assigned: dict[str, Array] = {}
    for kind in "Wb":
        mine = sorted(((t.rank, i, v) for i, (t, v) in enumerate(labelled) if t.kind == kind), key=lambda e: e[:2])
        wanted = [slot for slot in slots if slot.tensor.startswith(kind)]
        if len(mine) == len(wanted):
            assigned.update({slot.tensor: value for slot, (_, _, value) in zip(wanted, mine, strict=True)})
        elif kind == "W":
            return {}
        else:
            assigned.update(_some_biases([(rank, value) for rank, _, value in mine], wanted))
    return assigned


def _some_biases(mine: Sequence[tuple[float, Array]], wanted: Sequence[Slot]) -> dict[str, Array]:
    """Fewer biases than layers: by the number or word in the name, else by size."""
    assigned: dict[str, Array] = {}
    for rank, value in mine:
        free = [slot for slot in wanted if slot.tensor not in assigned]
        by_rank = [s for s in free if int(s.tensor[1:]) == rank or (rank == 99 and s is wanted[-1])]
        by_size = [s for s in free if np.prod(s.canonical) == value.size]
        for slot in [*by_rank, *by_size][:1]:
            assigned[slot.tensor] = value
    return assigned


def _by_order(values: Sequence[Array], slots: Sequence[Slot]) -> dict[str, Array] | None:
    if len(values) != len(slots):
        return None
    if all(v.size == np.prod(s.canonical) or v.size == 1 for v, s in zip(values, slots, strict=True)):
        return {slot.tensor: value for slot, value in zip(slots, values, strict=True)}
    by_shape = _by_shape(values, slots)
    if by_shape and len(by_shape) == len(slots):
        return by_shape
    kinds = all(
        (v.ndim == 2 and min(v.shape) > 1) or s.tensor[0] == "b" or 1 in s.canonical
        for v, s in zip(values, slots, strict=True)
    )
    return {slot.tensor: value for slot, value in zip(slots, values, strict=True)} if kinds else None


def _by_shape(values: Sequence[Array], slots: Sequence[Slot]) -> dict[str, Array] | None:
    """Each slot takes the first free value of its shape, up to ones, or transposed; every weight must get one."""
    free = list(values)
    assigned: dict[str, Array] = {}
    for test in (operator.eq, _same_shape, _transposed_shape):
        for slot in slots:
            if slot.tensor in assigned:
                continue
            index = next((i for i, value in enumerate(free) if test(value.shape, slot.shape)), None)
            if index is not None:
                assigned[slot.tensor] = free.pop(index)
    return assigned if all(s.tensor in assigned for s in slots if s.tensor.startswith("W")) else None


def _same_shape(shape: tuple[int, ...], expected: tuple[int, ...]) -> bool:
    return shape == expected or [n for n in shape if n != 1] == [n for n in expected if n != 1] != []


def _transposed_shape(shape: tuple[int, ...], expected: tuple[int, ...]) -> bool:
    return len(shape) == 2 and shape == expected[::-1]


def _flat(values: Sequence[Array], slots: Sequence[Slot]) -> dict[str, Array] | None:
    """One vector of all gradients, in the order of the slots."""
    total = sum(int(np.prod(slot.shape)) for slot in slots)
    vectors = [v for v in values if v.size == total and max(v.shape, default=0) == total]
    if len(vectors) != 1:
        return None
    pieces = np.split(vectors[0].ravel(), np.cumsum([int(np.prod(slot.shape)) for slot in slots])[:-1])
    return {slot.tensor: piece.reshape(slot.shape) for slot, piece in zip(slots, pieces, strict=True)}
