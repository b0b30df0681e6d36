"""One probe: the gradients in what a call returned or changed, with what shows the network and the loss."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from samegrad.impls.parameters import Array, Parameters
from samegrad.impls.verifying.target import names, results, source
from samegrad.impls.verifying.target.calls import TO_THE_END, Unreadable
from samegrad.impls.verifying.target.execution import Execution, moved, run
from samegrad.impls.verifying.target.forward_pass import own_losses
from samegrad.impls.verifying.target.layouts import encode
from samegrad.impls.verifying.target.places import of_result, to_array
from samegrad.impls.verifying.target.results import Reading
from samegrad.impls.verifying.target.structure import Structure
from samegrad.impls.verifying.target.subjects import ArgumentSubject, Instance
from samegrad.impls.verifying.target.ways import Way

OUTPUTS = 40
"""Arrays of the predictions' shape that are passed on, at most."""


def read(
    way: Way, parameters: Parameters, x: Array, y: Array, rate: float = 0.0, times: int = 1, evidence: bool = True
) -> Reading:
    """The target's gradients at this probe. Raises UserError, and Unreadable where it gives none.

    `evidence` is of the network and the loss, for which more than the target has to be called.
    """
    rate = rate or way.rate
    if way.form.born_late or way.start:
        return _read_later(way, parameters, x, y, rate)
    arrays = encode(way.form.slots, parameters)
    outcome = run(way, arrays, x, y, rate, 1, times)
    given = {t: to_array(a) for t, a in outcome.before.items()}
    if moved(outcome.before, outcome.after):
        returned = _returned_beside_a_change(way, outcome)
        if returned and returned.labelled:
            reading = results.of_returned(returned, way.form.slots)
        else:
            after = outcome.after if returned is None else {**outcome.after, **returned.gradients}
            reading = results.of_change(way.form.slots, outcome.before, after, rate, "rate" in outcome.used)
            reading.loss = results.lone_number(outcome.result)
    else:
        reading = _read_returned(way, outcome, arrays, x, y, rate)
    if any(array is not None and array.dtype == np.float32 for array in given.values()):
        reading.parameters = results.canonical(way.form.slots, outcome.before)
        if all(array is not None and array.dtype == np.float32 for array in given.values()):
            reading.dtype = "float32"
    return _with_evidence(way, reading, outcome, arrays, x, y) if evidence else reading


def _returned_beside_a_change(way: Way, outcome: Execution) -> results.Assigned | None:
    """What was returned though some parameters have moved: gradients by their names, or all parameters after the step.

    A step may change one parameter in place and make another anew; what it returns then has them all.
    """
    if not isinstance(way.subject, ArgumentSubject):
        return None
    returned = results.gradients_of(way, outcome.instance, outcome.result, outcome.main)  # type: ignore[arg-type]
    if returned is None or returned.labelled:
        return returned
    moved = [t for t in outcome.before if not np.array_equal(outcome.before[t], outcome.after[t])]
    same = all(t in returned.gradients and np.array_equal(returned.gradients[t], outcome.after[t]) for t in moved)
    return returned if same else None


def _read_returned(way: Way, outcome: Execution, arrays: dict[str, Array], x: Array, y: Array, rate: float) -> Reading:
    returned = results.gradients_of(way, outcome.instance, outcome.result, outcome.main)  # type: ignore[arg-type]
    if returned is None:
        error = Unreadable(_nothing_found(way, outcome), TO_THE_END)
        every = [value.shape for _, value in of_result(outcome.result, joined=True)]
        error.matrices = [shape for shape in every if len(shape) == 2]
        raise error
    may_be = isinstance(way.subject, ArgumentSubject) and not returned.labelled
    if may_be and _are_updates(way, returned.gradients, outcome, arrays, x, y, rate):
        new = {t: np.asarray(returned.gradients.get(t, outcome.before[t])) for t in outcome.before}
        reading = results.of_change(way.form.slots, outcome.before, new, rate, "rate" in outcome.used)
        reading.loss = returned.loss
        return reading
    return results.of_returned(returned, way.form.slots)


def _nothing_found(way: Way, outcome: Execution) -> str:
    if not isinstance(way.subject, ArgumentSubject):
        return (
            "the weights did not change and no gradients were returned or kept in attributes (dW1, grad_b1, …); "
            "say which method learns: file.py:Class.method"
        )
    shapes = ", ".join(f"{n or 'a value'} {v.shape}" for n, v in of_result(outcome.result)) or "nothing numeric"
    wanted = ", ".join(f"{slot.tensor} {slot.shape}" for slot in way.form.slots)
    return f"it returned {shapes}; the gradients of {wanted} are expected, as a tuple, list or dictionary"


def _are_updates(
    way: Way, gradients: dict[str, Array], outcome: Execution, arrays: dict[str, Array], x: Array, y: Array, rate: float
) -> bool:
    """Are these the parameters after a step? Then they come near to those before as the rate goes to zero."""
    before = outcome.before
    if any(np.shape(gradients[t]) != before[t].shape for t in gradients if t in before):
        return False
    if any(names.ALL_GRADIENTS.search(name) for name in source.returned_names(outcome.main) or ()):
        return False
    if "rate" not in outcome.used:
        words = ("step", "update", "train", "sgd", "descent", "fit")
        return any(word in way.plan.main.lower() for word in words)
    again = run(way, arrays, x, y, rate / 1024, 1)
    second = results.gradients_of(way, again.instance, again.result, again.main)  # type: ignore[arg-type]
    if second is None:
        return False
    shared = [t for t in gradients if t in second.gradients and np.shape(second.gradients[t]) == before[t].shape]
    whole, part = (sum(float(np.sum((g[t] - before[t]) ** 2)) for t in shared) for g in (gradients, second.gradients))
    return bool(shared) and part <= whole / 100**2


def _read_later(way: Way, parameters: Parameters, x: Array, y: Array, rate: float) -> Reading:
    """The step after `way.start` epochs, as the difference between so many and one more from the same beginning.

    For the first step, and where the number of epochs cannot be set: the difference that the learning rate makes to 0.
    """
    form = way.form
    arrays = {} if form.born_late else encode(form.slots, parameters)
    one = run(way, arrays, x, y, rate, max(way.start, 1))
    by_epochs = way.start > 0 and "epochs" in one.used
    if by_epochs:
        first, second = one, run(way, arrays, x, y, rate, max(way.start, 1) + 1)
    elif "rate" in one.used:
        first, second = run(way, arrays, x, y, 0.0, 1), one
    else:
        raise Unreadable(
            "the weights are made while training, and neither a learning rate nor a number of epochs can be set to see "
            "their first values; make the weights in __init__, or let them be arguments"
        )
    states = []
    for outcome in (first, second):
        if form.born_late:
            structure = _structure(way, outcome)
            if structure is None:
                raise Unreadable(
                    "no weights were found in what it returned, and no attribute is called like one (W1, weights, …); "
                    "say which they are: --parameters W1=…,b1=…,W2=…,b2=…",
                    TO_THE_END,
                )
            if not form.slots:
                form.slots, form.sizes, form.flipped = structure.slots, structure.sizes, structure.flipped
                form.names = {t: p.name for t, p in structure.places.items()}
            outcome.instance.places = structure.places
            states.append({t: np.array(p.array()) for t, p in structure.places.items()})
        else:
            states.append(outcome.after)
    before, after = states
    if form.born_late and not moved(before, after):
        message = "no weights were found: what it returned, or keeps, is the same after another epoch"
        raise Unreadable(message, TO_THE_END)
    reading = results.of_change(form.slots, before, after, rate, "rate" in one.used)
    reading.parameters = results.canonical(form.slots, before)
    user: dict[str, Array] = {t: a.astype(np.float64) for t, a in before.items()}
    return _with_evidence(way, reading, replace(second, before=before), user, x, y, first.instance)


def _structure(way: Way, outcome: Execution) -> Structure | None:
    """The weights in what it returned, which may be a list of those after every epoch, or in its attributes."""
    labels = source.returned_names(outcome.main)
    candidates = [(outcome.result, labels), (None, None)]
    if isinstance(outcome.result, list) and outcome.result and len(labels or ()) == 1:
        candidates.insert(1, (outcome.result[-1], [names.HISTORY.sub("", name) for name in labels or ()]))
    found = (way.subject.structure_of(way.form, outcome.instance.thing, *some) for some in candidates)  # type: ignore[union-attr]
    return next(filter(None, found), None)


def _with_evidence(
    way: Way, reading: Reading, outcome: Execution, arrays: dict[str, Array], x: Array, y: Array,
    trained: Instance | None = None,
) -> Reading:  # fmt: skip
    """Add the predictions of the program's own forward function, what it computed on the way, and its losses."""
    reading.loss_is_given = "upstream" in outcome.used
    reading.predictions = outcome.predictions
    seen: list[Array] = []
    as_kept: list[Array] = []
    attributes = [] if isinstance(outcome.instance.thing, dict) else way.subject.leaves(outcome.instance.thing)  # type: ignore[union-attr]
    for array in [*outcome.watch.arrays, *(leaf.array() for leaf in attributes)]:
        predictions = way.data.predictions(array, *y.shape)
        if predictions is not None and not any(np.array_equal(predictions, other) for other in (y, *seen)):
            seen.append(np.array(predictions))
            as_kept.append(np.array(array))
    reading.outputs = seen[:OUTPUTS]
    reading.numbers = dict(outcome.watch.numbers)
    if reading.loss is not None:
        reading.numbers["returned"] = reading.loss
    forward_of, losses = own_losses(way, arrays, x, y, as_kept[:OUTPUTS], trained)
    if reading.predictions is None:
        reading.predictions = forward_of
    reading.numbers |= losses
    return reading
