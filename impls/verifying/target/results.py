"""Results: the gradients in what a call returned or left behind, or recovered from the change of the parameters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from samegrad.impls.parameters import Array, Layer, Parameters
from samegrad.impls.verifying.target import names, source
from samegrad.impls.verifying.target.assign import Assigned, assign
from samegrad.impls.verifying.target.layouts import Slot
from samegrad.impls.verifying.target.places import Part, Place, of_result, to_array
from samegrad.impls.verifying.target.subjects import Instance
from samegrad.impls.verifying.target.ways import Way


@dataclass
class Reading:
    """What one probe of a target gave, in the canonical layout."""

    gradients: dict[str, Array]
    kind: str
    """"returned", or "update" where they were recovered from the change of the parameters."""
    slack: dict[str, Array] = field(default_factory=dict)
    loss: float | None = None
    """Returned beside the gradients."""
    dtype: str = "float64"
    absent: list[str] = field(default_factory=list)
    """Parameters for which nothing was returned."""
    rate_known: bool = True
    rate: float = 1.0
    loss_is_given: bool = False
    """The target was handed ∂L/∂a of the mean squared error."""
    parameters: Parameters | None = None
    """Where the target chose its own."""
    predictions: Array | None = None
    """Of the program's own forward function, (batch, outputs)."""
    outputs: list[Array] = field(default_factory=list)
    """Arrays of the predictions' shape that it computed on the way."""
    numbers: dict[str, float] = field(default_factory=dict)
    """Numbers that may be a loss, by name."""


def of_change(
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
    dtype = "float32" if dtypes == {np.dtype("float32")} else "float64"
    return Reading(gradients, "update", slack, dtype=dtype, rate_known=known, rate=rate)


def of_returned(assigned: Assigned, slots: Sequence[Slot]) -> Reading:
    """Gradients that were returned, or kept in attributes; what is absent is zero."""
    gradients = {s.tensor: s.decode(assigned.gradients[s.tensor]) for s in slots if s.tensor in assigned.gradients}
    absent = [slot.tensor for slot in slots if slot.tensor not in gradients]
    gradients.update({slot.tensor: np.zeros(slot.canonical) for slot in slots if slot.tensor in absent})
    kinds = {value.dtype for value in assigned.gradients.values()}
    dtype = "float32" if kinds == {np.dtype("float32")} else "float64"
    return Reading(gradients, "returned", loss=assigned.loss, absent=absent, dtype=dtype)


def gradients_among(
    named: Sequence[tuple[str, Array]], slots: Sequence[Slot], places: dict[str, Place]
) -> Assigned | None:
    """Which of the named values is the gradient of which parameter; None where not every weight has one."""
    wholes = {t: p for t, p in places.items() if isinstance(p, Part) and not p.is_bias}
    if not wholes:
        return assign(named, slots, {tensor: names.last(place.name) for tensor, place in places.items()})
    whole_slots = [Slot(t, p.whole.array().shape, p.whole.array().shape) for t, p in wholes.items()]
    of_wholes = assign(named, whole_slots)
    if of_wholes is None or any(
        of_wholes.gradients[s.tensor].size != np.prod(s.shape) for s in whole_slots if s.tensor in of_wholes.gradients
    ):
        return None
    split: dict[str, Array] = {}
    for tensor, place in places.items():
        if isinstance(place, Part) and (whole := of_wholes.gradients.get(f"W{tensor[1:]}")) is not None:
            split[tensor] = np.array(place.take(whole.reshape(place.whole.array().shape)))
    return of_wholes._replace(gradients=split)


def lone_number(result: Any) -> float | None:
    """The number that was returned, if it was one number."""
    array = to_array(result)
    return float(array.item()) if array is not None and array.size == 1 else None


def canonical(slots: Sequence[Slot], arrays: dict[str, Array]) -> Parameters:
    """The parameters in the canonical layout, of the user's arrays; a bias that is not there is zero."""
    return layers_of({slot.tensor: slot.decode(arrays[slot.tensor]) for slot in slots})


def layers_of(tensors: dict[str, Array]) -> Parameters:
    """The parameters of canonical tensors by their names; a bias that is not there is zero."""
    weights = {int(name[1:]): W for name, W in tensors.items() if name[0] == "W"}
    return [Layer(W, tensors.get(f"b{ell}", np.zeros(W.shape[1]))) for ell, W in sorted(weights.items())]


def gradients_of(way: Way, instance: Instance, result: Any, main: Callable) -> Assigned | None:
    """Gradients among what was returned, or else among the object's attributes."""
    for joined in (False, True):
        named = _renamed(way, list(of_result(result, source.returned_names(main), joined=joined)))
        if named and (assigned := gradients_among(named, way.form.slots, instance.places)):
            return assigned
    if isinstance(instance.thing, dict):
        return None
    attributes = _renamed(way, [(leaf.name, leaf.array()) for leaf in way.subject.leaves(instance.thing)])  # type: ignore[union-attr]
    marked = [(n, v) for n, v in attributes if (t := names.tensor(n)) and t.gradient]
    assigned = gradients_among(marked, way.form.slots, instance.places) if marked else None
    return assigned._replace(loss=lone_number(result)) if assigned else None


def _renamed(way: Way, named: list[tuple[str, Array]]) -> list[tuple[str, Array]]:
    """The same values; one called like a gradient of a parameter's own name (g_omega1, m_grad) is called dW1."""
    own: dict[tuple[str, str], str] = {}
    for tensor, name in way.form.names.items():
        own[_holder(name), names.without_gradient(name, bare=True)] = tensor
    result = []
    for name, value in named:
        mine = own.get((_holder(name), names.without_gradient(name))) or own.get(("", names.without_gradient(name)))
        last = names.last(name)
        if mine and names.is_new(last):
            result.append((mine, value))
            continue
        is_gradient = mine and last != names.without_gradient(name)
        result.append((f"d{mine}" if is_gradient else name, value))
    return result


def _holder(name: str) -> str:
    """What holds a value: "layers[0]" of "layers[0].m"."""
    return name.rpartition(".")[0]
