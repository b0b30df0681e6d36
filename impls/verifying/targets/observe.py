"""Observing a target: find a way to call it, then call it on all probes. Runs in the target's own process."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from impls import parameters
from impls.parameters import Parameters
from impls.verifying import probe
from impls.verifying.targets import leaves, names, source
from impls.verifying.targets.functions import FunctionTarget
from impls.verifying.targets.layouts import DATA_LAYOUTS, FLAT, DataLayout
from impls.verifying.targets.objects import ObjectTarget
from impls.verifying.targets.reading import Reading, Unreadable

Target = FunctionTarget | ObjectTarget


SLOW = 2.0**-20
"""Times the learning rate: so small that many steps from the same place are many times the same step."""


@dataclass
class Observed:
    """One probe and what the target gave for it."""

    parameters: Parameters
    x: np.ndarray
    y: np.ndarray
    reading: Reading


@dataclass
class Group:
    """The probes of one network size."""

    sizes: tuple[int, ...]
    layout: str
    flipped: bool = False
    """Are the weights (fan_out, fan_in)?"""
    observed: list[Observed] = field(default_factory=list)
    refused: list[tuple[int, str]] = field(default_factory=list)
    """Batches at which the target raised, and the last line of its error."""
    slow: dict[str, np.ndarray] = field(default_factory=dict)
    """For updates: the gradients of the first probe, recovered at a tiny learning rate."""
    repeat: str = ""
    """"", or "accumulates", or "varies": what a second call on the same probe gave."""

    def answer(self) -> dict[str, Any]:
        """As the process that asked reads it."""
        return {
            "sizes": list(self.sizes),
            "layout": self.layout,
            "flipped": self.flipped,
            "refused": [list(item) for item in self.refused],
            "repeat": self.repeat,
            "slow": self.slow,
            "observed": [
                {"parameters": [[W, b] for W, b in o.parameters], "x": o.x, "y": o.y}
                | {name: getattr(o.reading, name) for name in TOLD}
                for o in self.observed
            ],
        }


TOLD = (
    "gradients",
    "slack",
    "kind",
    "loss",
    "predictions",
    "dtype",
    "absent",
    "rate_known",
    "loss_is_given",
)
"""Of a reading."""


def find_target(
    module: ModuleType,
    name: str,
    path: Path,
    *,
    init: dict[str, Any] | None = None,
    mapping: dict[str, str] | None = None,
    arguments: Sequence[str] | None = None,
) -> Target:
    """The target of that name. Raises BadInput for an unknown name, UserError and Unreadable."""
    thing, owner = source.find(module, name, path)
    if inspect.isclass(thing):
        return ObjectTarget(module, thing, path, None, init, mapping)
    if inspect.isfunction(thing) and inspect.isclass(owner):
        return ObjectTarget(module, owner, path, name.split(".")[-1], init, mapping)
    if (inspect.isfunction(thing) and owner is module) or (callable(thing) and inspect.isbuiltin(thing)):
        try:
            return FunctionTarget(module, thing, path, arguments)
        except Unreadable:
            return ObjectTarget(module, module, path, name, None, mapping)
    if not hasattr(thing, "__dict__"):
        raise Unreadable(f"{name} is of type {type(thing).__name__}, and no function, class or object with weights")
    if inspect.ismethod(thing):
        return ObjectTarget(module, owner, path, name.split(".")[-1], init, mapping)
    return ObjectTarget(module, thing, path, None, init, mapping)


def observe(target: Target, own_targets_flat: bool, sizes: Sequence[int] | None = None) -> list[Group]:
    """Call the target on probes of the most telling sizes that it takes, then on one output.

    Raises UserError with the error that got furthest, where no way of calling it works.
    """
    general = tuple(sizes) if sizes else target.fixed_sizes or probe.general_sizes(target.layers)
    plans = [general]
    if not sizes and not target.fixed_sizes:
        plans = [general, probe.one_output(general), *([(2, 4, 1)] if target.layers == 2 else [(1, 1)])]
        if own_targets_flat:
            plans = plans[1:]
    failures: list[Exception] = []
    for plan, any_shape in [*((plan, False) for plan in plans), *((plan, True) for plan in plans)]:
        group = _first_that_works(target, plan, own_targets_flat, failures, any_shape)
        if group is None:
            continue
        groups = [group]
        if plan[-1] > 1 and not sizes and not target.fixed_sizes:
            one = _first_that_works(target, probe.one_output(plan), own_targets_flat, [], any_shape)
            groups += [one] if one else []
        return groups
    square = _when_rows_equal_units(target, plans[-1], own_targets_flat)
    if square:
        return [square]
    raise max(
        failures,
        key=lambda e: (getattr(e, "depth", 0), isinstance(e, source.UserError)),
        default=Unreadable("it cannot be called"),
    )


def _layouts(flat: bool) -> list[DataLayout]:
    return [FLAT, *(layout for layout in DATA_LAYOUTS if layout is not FLAT)] if flat else list(DATA_LAYOUTS)


def _first_that_works(
    target: Target, sizes: Sequence[int], flat: bool, failures: list[Exception], any_shape: bool
) -> Group | None:
    """Try every layout of data and parameters on the first probe; the first that gives gradients is used for all.

    A layout that is not the user's may run all the same, by broadcasting, and then gives nonsense of the wrong shape.
    So gradients of the parameters' shapes are looked for first, `any_shape` is for the second look.
    """
    for layout in _data_layouts(target, flat):
        batches = [1, 1, 1] if layout.single else list(probe.BATCHES)
        for form in target.attempts(sizes):
            try:
                first = _one(target, form, layout, sizes, batches[0], 0)
            except ValueError:
                continue
            except (source.UserError, Unreadable) as error:
                failures.append(error)
                continue
            if not (any_shape or (flat and layout is FLAT) or _shapes_fit(first)):
                continue
            return _all(target, form, layout, sizes, batches, first)
    return None


def is_flipped(form: Any) -> bool:
    """Of what `attempts` yields: an orientation, or slots."""
    return form if isinstance(form, bool) else any(slot.flipped for slot in form)


def other_orientation(target: Target, groups: list[Group], flat: bool) -> list[Group]:
    """Where all weights are square, they may be (fan_out, fan_in) as well: the same probes read that way."""
    if not isinstance(target, ObjectTarget) or len(target.orientations) < 2:
        return []
    target.orientations = [not groups[0].flipped]
    group = _first_that_works(target, groups[0].sizes, flat, [], any_shape=True)
    return [group] if group else []


def _shapes_fit(observed: Observed) -> bool:
    return all(
        observed.reading.gradients[name].shape == tensor.shape
        for name, tensor in parameters.tensors(observed.parameters).items()
        if name in observed.reading.gradients
    )


def _data_layouts(target: Target, flat: bool) -> list[DataLayout]:
    late = getattr(target, "late_layout", None)
    if late is not None:
        return [DataLayout(late.name)]
    return _layouts(flat)


def _one(target: Target, form: Any, layout: DataLayout, sizes: Sequence[int], batch: int, seed: int) -> Observed:
    layers, x, y = probe.make(sizes, batch, seed, target.biases)
    layout.encode(x, y)
    reading = target.observe(form, layout, layers, x, y, probe.RATE)
    if reading.dtype == "float32":  # a float32 program: give it numbers that it can hold
        layers, x, y = probe.make(sizes, batch, seed, target.biases, "float32")
        reading = target.observe(form, layout, layers, x, y, probe.RATE)
    return Observed(reading.parameters or layers, x, y, reading)


def _all(target, form, layout, sizes, batches, first: Observed) -> Group:
    group = Group(tuple(sizes), layout.name, is_flipped(form), [first])
    group.repeat = _repeat(target, form, layout, first)
    if first.reading.kind == "update" and first.reading.rate_known:
        group.slow = target.observe(form, layout, first.parameters, first.x, first.y, SLOW * probe.RATE).gradients
    if group.repeat:
        return group
    for seed, batch in enumerate(batches[1:], start=1):
        try:
            group.observed.append(_one(target, form, layout, sizes, batch, seed))
        except source.UserError as error:
            group.refused.append((batch, str(error).splitlines()[-1]))
        except (Unreadable, ValueError) as error:
            group.refused.append((batch, str(error)))
    return group


def _repeat(target, form, layout, first: Observed) -> str:
    """Call again on the same probe: do gradients pile up, or vary?

    An object that is made anew has nothing left from its first call; so one object does the same thing twice as well.
    Updates may rightly vary (momentum), gradients may not.
    """
    arguments = form, layout, first.parameters, first.x, first.y, probe.RATE
    try:
        again = [target.observe(*arguments)]
        if isinstance(target, ObjectTarget) and not target.born_late:
            again.append(target.observe(*arguments, times=2))
    except (source.UserError, Unreadable):
        return ""
    for reading in again:
        pairs = [(first.reading.gradients[n], reading.gradients[n]) for n in first.reading.gradients]
        if all(_same(2 * a, b) for a, b in pairs):
            return "accumulates"
        if not all(_same(a, b) for a, b in pairs) and first.reading.kind == "returned":
            return "varies"
    return ""


def _same(one: np.ndarray, other: np.ndarray) -> bool:
    """The same numbers once more, to some ten roundings of float32, as threads may add in another order.

    What piles up, or is drawn at random, changes by far more. Below 1e-9 is next to nothing at a probe.
    """
    return one.shape == other.shape and np.allclose(one, other, rtol=1e-6, atol=1e-9)


def _when_rows_equal_units(target: Target, sizes: Sequence[int], flat: bool) -> Group | None:
    """The last resort: as many rows as hidden units, where shapes that do not belong together fit by chance."""
    batch = sizes[1] if len(sizes) > 2 else sizes[0]
    for layout in _data_layouts(target, flat):
        for form in target.attempts(sizes):
            try:
                observed = [_one(target, form, layout, sizes, batch, seed) for seed in (0, 1)]
            except (source.UserError, Unreadable, ValueError):
                continue
            group = Group(tuple(sizes), layout.name, is_flipped(form), observed)
            for other in probe.BATCHES:
                try:
                    _one(target, form, layout, sizes, other, 2)
                except source.UserError as error:
                    group.refused.append((other, str(error).splitlines()[-1]))
                except (Unreadable, ValueError) as error:
                    group.refused.append((other, str(error)))
            return group
    return None


def own_data(module: ModuleType, text: str) -> dict[str, tuple[int, ...]]:
    """The shapes of the inputs and targets that the file keeps at its top level: {"x": …, "y": …}."""
    found: dict[str, tuple[int, ...]] = {}
    for name, value in vars(module).items():
        role = names.role(name, ("x", "y", "output"))
        array = leaves.to_array(value) if role and isinstance(value, np.ndarray | list) else None
        if array is None or array.ndim not in (1, 2):
            continue
        role = "y" if role in ("output", None) else role
        reshaped = any(f"{name}{mark}" in text for mark in (".reshape", "[:, None", "[:, np.newaxis", "[:,None"))
        if not (role == "y" and array.ndim == 1 and reshaped):
            found.setdefault(role, array.shape)
    return found


def flat_targets(shapes: dict[str, tuple[int, ...]]) -> bool:
    """Are the file's own targets of shape (n,) beside inputs of n rows?"""
    x, y = shapes.get("x"), shapes.get("y")
    return bool(x and y and len(y) == 1 and y[0] > 1 and x[0] == y[0])


def describe(target: Target) -> Iterator[tuple[str, str]]:
    """(tensor, the user's name for it)."""
    yield from target.names.items()
