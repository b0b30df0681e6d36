"""Observing: use a target in one way at every probe."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from samegrad.impls.parameters import Array, Parameters, tensors
from samegrad.impls.verifying import probe
from samegrad.impls.verifying.target import source
from samegrad.impls.verifying.target.calls import TO_THE_END, Unreadable
from samegrad.impls.verifying.target.execution import moved, run
from samegrad.impls.verifying.target.layouts import encode
from samegrad.impls.verifying.target.reading import read
from samegrad.impls.verifying.target.results import Reading
from samegrad.impls.verifying.target.subjects import ArgumentSubject, Form
from samegrad.impls.verifying.target.ways import WHOLE, Way

SLOW = 2.0**-20
"""Times the learning rate: so small that many steps from the same place are many times the same step."""
LATER_RATE = 2.0**-10
"""The learning rate where ten epochs go before the step that is looked at: small enough for none to diverge."""
SECOND_RATE = 2.0**-5
"""The same where one or two go before: large enough for weights that start at zero to get away from it."""


REPEATS = 1e-6
"""Relative: some ten roundings of float32, as threads may add in another order. What piles up or is drawn at random
changes by far more."""
OTHER_SEED = 7
"""Of a probe that no other is made with."""
NOTHING = 1e-9
"""Beside the gradients of a probe, which are near 1."""


@dataclass
class Observed:
    """One probe and what the target gave for it."""

    parameters: Parameters
    x: Array
    y: Array
    reading: Reading


@dataclass
class ObservedWay:
    """The probes of one network size, in one way of using the target."""

    way: Way
    observed: list[Observed] = field(default_factory=list)
    refused: list[tuple[int, str]] = field(default_factory=list)
    """Batches at which the target raised, and the last line of its error."""
    slow: dict[str, Array] = field(default_factory=dict)
    """For updates: the gradients of the first probe, recovered at a tiny learning rate."""
    repeat: str = ""
    """"", or "accumulates", or "varies": what a second call on the same probe gave."""


def one(way: Way, batch: int, seed: int) -> Observed:
    """One probe of so many rows. Raises ValueError where the data layout does not take it."""
    layers, x, y = _probe(way, batch, seed, "float64")
    way.data.encode(x, y)
    reading = read(way, layers, x, y)
    if reading.dtype == "float32":  # a float32 program: give it numbers that it can hold
        layers, x, y = _probe(way, batch, seed, "float32")
        reading = read(way, layers, x, y)
    return Observed(reading.parameters or layers, x, y, reading)


def _probe(way: Way, batch: int, seed: int, dtype: str) -> tuple[Parameters, Array, Array]:
    form: Form = way.form
    layers, x, y = probe.make(form.sizes, batch, seed, form.biases or [True] * form.layers, dtype)
    return layers, x, probe.labels(seed, batch, form.sizes[-1]) if way.data.labels else y


def settled(way: Way, batch: int) -> tuple[Way, Observed]:
    """The way as it is used for all probes, and the first probe: from the first step, or from a later one.

    A target whose weights do not depend on those that it is given makes its own; one that needs some epochs gets ten.
    Raises what the first try raises where no later one works.
    """
    if way.form.born_late:
        way = replace(way, start=1, rate=SECOND_RATE, form=replace(way.form))
    try:
        observed = _first(way, batch)
    except source.UserError as error:
        if not re.search("ZeroDivision|modulo", str(error)):
            raise
        later = replace(way, start=10, rate=LATER_RATE, form=replace(way.form))
        try:
            return later, one(later, batch, 0)
        except (source.UserError, Unreadable, ValueError):
            raise error from None
    recovered = observed.reading.kind == "update" and observed.reading.rate_known
    if way.plan.kind == WHOLE and not way.start and recovered and _starts_anew(way):
        return settled(replace(way, form=Form([], way.form.sizes, False, way.form.how, born_late=True)), batch)
    return way, observed


def _first(way: Way, batch: int) -> Observed:
    """The first probe; another one where it shows nothing, as one does at which a last unit is off."""
    try:
        return one(way, batch, 0)
    except Unreadable as error:
        if way.plan.kind != WHOLE or error.depth < TO_THE_END:
            raise
    return one(way, batch, OTHER_SEED)


def _first_step(way: Way) -> ObservedWay | None:
    """The first step of a target that makes its own weights, which shows it where momentum turns later ones."""
    way = replace(way, start=0, rate=probe.RATE)
    try:
        return ObservedWay(
            way, [one(way, batch, seed) for seed, batch in enumerate([1] * 3 if way.data.single else probe.BATCHES)]
        )
    except (source.UserError, Unreadable, ValueError):
        return None


def _starts_anew(way: Way) -> bool:
    """Are the weights that it was given thrown away? Then a learning rate of 0 moves them as well."""
    if isinstance(way.subject, ArgumentSubject):
        return False
    layers, x, y = _probe(way, 1 if way.data.single else probe.BATCHES[0], 0, "float64")
    try:
        outcome = run(way, encode(way.form.slots, layers), x, y, 0.0, 1)
    except (source.UserError, Unreadable):
        return False
    return moved(outcome.before, outcome.after)


def observe(way: Way, batches: Sequence[int] = probe.BATCHES) -> ObservedWay:
    """All probes in one way. Raises UserError, Unreadable and ValueError where not even the first one works."""
    batches = [1] * len(batches) if way.data.single else batches
    way, first = settled(way, batches[0])
    group = ObservedWay(way, [first])
    if first.reading.kind == "update" and first.reading.rate_known and not way.start:
        group.slow = read(way, first.parameters, first.x, first.y, SLOW * way.rate).gradients
    group.repeat = _repeat(way, first)
    if group.repeat:
        return group
    for seed, batch in enumerate(batches[1:], start=1):
        later = replace(way, start=way.start + seed % 2) if way.start else way
        try:
            group.observed.append(one(later, batch, seed))
        except source.UserError as error:
            group.refused.append((batch, str(error).splitlines()[-1]))
        except (Unreadable, ValueError) as error:
            group.refused.append((batch, str(error)))
    return group


def _repeat(way: Way, first: Observed) -> str:
    """Call again on the same probe: do gradients pile up, or vary?

    An object that is made anew has nothing left from its first call; so one object does the same thing twice as well.
    Updates may rightly vary (momentum), gradients may not.
    """
    if way.start:
        return ""
    try:
        again = [read(way, first.parameters, first.x, first.y)]
        if not isinstance(way.subject, ArgumentSubject):
            again.append(read(way, first.parameters, first.x, first.y, times=2))
    except (source.UserError, Unreadable):
        return ""
    for reading in again:
        pairs = [(first.reading.gradients[n], reading.gradients[n]) for n in first.reading.gradients]
        if all(_same(a, b) for a, b in pairs):  # also where all are zero, and twice zero is zero
            continue
        if all(_same(2 * a, b) for a, b in pairs):
            return "accumulates"
        if first.reading.kind == "returned":
            return "varies"
    return ""


def _same(one: Array, other: Array) -> bool:
    """The same numbers once more."""
    return one.shape == other.shape and np.allclose(one, other, rtol=REPEATS, atol=NOTHING)


def shapes_fit(observed: Observed) -> bool:
    """Have all gradients the shapes of their parameters?"""
    values = tensors(observed.parameters)
    return all(g.shape == values[name].shape for name, g in observed.reading.gradients.items())


def groups(all_ways: Iterator[Way], failures: list[Exception], strange: list[ObservedWay]) -> Iterator[ObservedWay]:
    """Every way that works and gives gradients of the parameters' shapes, observed; the others go to `strange`.

    A layout that is not the user's may run all the same, by broadcasting, and then gives nonsense of the wrong shape.
    """
    seen = []
    for way in all_ways:
        same = (
            way.data,
            way.plan.main,
            way.plan.kind,
            way.form.flipped,
            way.form.names,
            way.form.slots,
            way.form.bias_first,
            way.hypothesis,
        )
        if same in seen:
            continue  # it works already with another plan around the same function
        try:
            group = observe(way)
        except ValueError:
            continue
        except (source.UserError, Unreadable) as error:
            error.way = way  # type: ignore[union-attr]
            failures.append(error)
            continue
        except Exception as error:  # a fault of ours in one way is no reason not to try the others
            failures.append(Unreadable(f"samegrad itself failed on it ({type(error).__name__}: {error})"))
            continue
        if shapes_fit(group.observed[0]) and any(np.any(g) for g in group.observed[0].reading.gradients.values()):
            seen.append(same)
            yield group
            if group.way.form.born_late and (first := _first_step(group.way)):
                yield first
        else:
            strange.append(group)
