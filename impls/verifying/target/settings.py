"""Settings: the learning rate, the number of epochs and the data, put where the target keeps or asks for them."""

from __future__ import annotations

import re
from functools import cache
from types import ModuleType
from typing import Any

import numpy as np

from samegrad.impls.parameters import Array
from samegrad.impls.verifying import probe
from samegrad.impls.verifying.target import names, source
from samegrad.impls.verifying.target.calls import Known
from samegrad.impls.verifying.target.places import of_object
from samegrad.impls.verifying.target.subjects import ArgumentSubject, Instance
from samegrad.impls.verifying.target.ways import Way


def put_settings(way: Way, instance: Instance, rate: float, epochs: int, ux: Any, uy: Any) -> set[str]:
    """Put the learning rate, the number of epochs and the data where the object or its file keeps them."""
    subject, used = way.subject, set()
    source.Loops.rounds, source.Loops.limited = epochs, False
    values = {"rate": rate, "epochs": epochs, "inputs_size": way.form.sizes[0], "outputs_size": way.form.sizes[-1]}
    taken = {id(place) for place in instance.places.values()}
    places = [] if isinstance(subject, ArgumentSubject) else subject.leaves(instance.thing)
    own = getattr(getattr(instance.functions[way.plan.main], "__code__", None), "co_varnames", ())
    of_file = (leaf for leaf in of_object(subject.module, source.is_own(subject.path)) if leaf.name not in own)
    for leaf in [*places, *of_file]:
        last = leaf.name.split(".")[-1]
        role = names.role(last, ("rate", "epochs"))
        if not role and type(leaf.get()) is int and re.search(r"in|out", last):
            role = (
                names.role(last, ("inputs_size", "outputs_size")) if re.search(r"dim|size|units|nodes", last) else role
            )
        plain = type(leaf.get()) in (int, float) and not isinstance(leaf.container, tuple)
        if role and plain and id(leaf) not in taken:
            leaf.put(values[role])
            used.add(role)
    for name, role in _data_of(subject.module).items():
        if not any(getattr(p, "name", "") == name for p in instance.places.values()):
            setattr(subject.module, name, ux if role == "x" else uy)
    if not isinstance(subject, ArgumentSubject):
        used |= {role for role in subject.constructor.roles.values() if role in ("rate", "epochs")}
    return used


@cache
def _data_of(module: ModuleType) -> dict[str, str]:
    """The arrays that a file keeps as inputs and targets, x or y by name; as it is before anything is put there."""
    arrays = [n for n, v in vars(module).items() if isinstance(v, np.ndarray) and v.dtype.kind in "fiub"]
    return {name: role for name in arrays if (role := names.role(name, ("x", "y")))}


def known_values(way: Way, instance: Instance, data: tuple[Any, Any], x: Array, rate: float, epochs: int) -> Known:
    """What the target's functions may ask for, before anything was called."""
    sizes = way.form.sizes
    roles: dict[str, Any] = {
        "x": data[0], "y": data[1], "rate": rate, "epochs": epochs, "batch": len(x), "seed": 0, "quiet": False,
        "x_more": data[0], "y_more": data[1], "penalty": probe.PENALTY, "momentum": 0.0,
        "inputs_size": sizes[0], "hidden_size": sizes[1] if len(sizes) > 2 else None, "outputs_size": sizes[-1],
        "sizes": list(sizes),
    }  # fmt: skip
    return Known(roles, dict(instance.arguments), given=dict(way.subject.given))
