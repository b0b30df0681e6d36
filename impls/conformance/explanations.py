"""Explain a wrong result: compare it with the right one, and then with what known mistakes would give.

Results are as `to_numpy` returned them: predictions, or a pair of a loss and layers. Each function returns the faults
that it sees, as (clause, sentence); none where everything is right.

The tolerances here (1e-3, 1e-2) decide nothing: what they are asked about has been found wrong by the bound, or to the
bit, and they only choose the sentence. They are far above float32's rounding and far below a mistake.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from samegrad.impls.checking.agreement import Agreement, Reference, wrong
from samegrad.impls.checking.subject import flat, same
from samegrad.impls.conformance.tracing import Traced
from samegrad.impls.devices import is_on
from samegrad.impls.parameters import Layer, vector

Findings = list[tuple[str, str]]


def of_misfit(pass_name: str, agreements: Sequence[Agreement], result: Any) -> Findings:
    """Findings on what cannot be compared at all: tensors of another kind, shape or dtype."""
    findings = [
        ("dtype" if agreement.fault.startswith("has dtype") else "layout", f"{pass_name}'s {agreement}")
        for agreement in agreements
        if agreement.fault
    ]
    if not findings and pass_name != "forward" and not isinstance(result[1][0], Layer):
        findings.append(
            ("layout", f"{pass_name}'s layers should be of type Layer, but are of type {_kind(result[1][0])}")
        )
    return findings


def of_numbers(
    clause: str,
    pass_name: str,
    agreements: Sequence[Agreement],
    in_float32: Sequence[Agreement] | None,
    few_digits: str,
) -> Findings:
    """Numbers beyond the bound. `in_float32`: the same compared with float32's bound, where more was asked for.

    few_digits: how many digits they have, in words, where they have fewer than they should.
    """
    if not (disagreeing := wrong(agreements)):
        return []
    if in_float32 is not None and not wrong(in_float32):
        return [("dtype", f"{pass_name} is right only as float32 would be: {disagreeing[0]}")]
    if few_digits:
        return [("dtype", f"{pass_name}'s {few_digits}: {disagreeing[0]}")]
    return [(clause, f"{pass_name}'s {_in_words(disagreeing)}")]


def of_forward(predictions: Any, again: Any) -> Findings:
    """Two calls of forward in a row."""
    if same(flat(predictions), flat(again)):
        return []
    apart = _apart(predictions, again)
    return [("repeatable", f"forward gives other numbers when it is called again, up to {apart:.2g} apart")]


def of_repetitions(evaluations: Sequence[Any], before: Any, after: Any) -> Findings:
    """Three calls of value_and_grad in a row, and the predictions before and after them (None where there are none)."""
    if before is not None and not same(flat(before), flat(after)):
        return [("state", "value_and_grad moves the parameters: forward gives other predictions after it")]
    one, two, three = (vector(gradients) for _, gradients in evaluations)
    added = two - one
    if np.abs(added).max() > 1e-3 * np.abs(one).max() and np.allclose(three - two, added, rtol=1e-3, atol=0):
        return [("state", "gradients accumulate: each value_and_grad adds them to those of the call before")]
    if not all(same(flat(evaluations[0]), flat(again)) for again in evaluations[1:]):
        apart = max(_apart(evaluations[0], again) for again in evaluations[1:])
        return [("repeatable", f"value_and_grad gives other numbers when it is called again, up to {apart:.2g} apart")]
    return []


def of_second_step(first: Any, second: Any, start: Reference, middle: Reference, learning_rate: float) -> Findings:
    """A step from where the first one ended; `start` and `middle` are the references at the start of each.

    A wrong one is taken apart: (p₁ − p₂)/λ = α g₁ + β g₀, with the gradients at its own start and at the first one's.
    """
    if not (disagreeing := wrong(middle.agree("train_step", second, learning_rate))):
        return []
    direction = (vector(first[1]) - vector(second[1])) / learning_rate
    if not direction.any():
        return [("training", "train_step does not keep its update: the second step starts where the first one did")]
    gradients = np.stack([vector(middle.truth.gradients), vector(start.truth.gradients)], axis=1)
    alpha, beta = np.linalg.lstsq(gradients, direction)[0]
    if np.allclose(gradients @ (alpha, beta), direction, rtol=1e-3, atol=1e-3 * abs(direction).max()):
        if np.allclose((alpha, beta), (0, 1), atol=1e-2):
            return [("arguments", "the second train_step takes the gradient at the parameters of prepare: captured")]
        if abs(alpha - 1) < 1e-2:
            return [
                ("state", f"something accumulates: the second train_step adds {beta:.2g} times the first's gradient")
            ]
    return [("training", f"the second train_step's {_in_words(disagreeing)}")]


def of_rate(stepped: Any, start: Reference, learning_rate: float, earlier: float) -> Findings:
    """A step of this rate from the start of `start`, after steps of an earlier rate."""
    if not (disagreeing := wrong(start.agree("train_step", stepped, learning_rate))):
        return []
    if not wrong(start.agree("train_step", stepped, earlier)):
        return [("training", "train_step goes on with the learning rate of an earlier call")]
    return [("training", f"at another learning rate train_step's {_in_words(disagreeing)}")]


def of_loop(looped: Any, stepped: Any, tolerance: float) -> Findings:
    """One call of train_loop beside as many steps; `tolerance` is relative to the largest parameter."""
    scale = np.abs(vector(stepped[1])).max()
    apart = _apart(looped, stepped)
    if apart <= tolerance * scale:
        return []
    return [("training", f"train_loop ends {apart:.2g} away from as many calls of train_step")]


def of_place(pass_name: str, place: str, device: str) -> Findings:
    """Compare a result's device, as device_of names it, with the device that was asked for."""
    if is_on(place, device):
        return []
    return [("device", f"{pass_name}'s result is on {place}, by device_of, but was asked for on {device}")]


def of_compiler(pass_name: str, traced: Traced, when: str) -> Findings:
    """Findings on a compiler's work in a call. `when`: what is new in it, if arrays of the same shapes came before."""
    findings = [("arguments", f"{pass_name}, in JAX's words: {words}") for words in traced.constants]
    if when and traced.compilations:
        findings.append(("compiled", f"{pass_name} is compiled again {when}"))
    return findings


def _apart(one: Any, other: Any) -> float:
    """The largest difference of two results."""
    pairs = zip(flat(one), flat(other), strict=True)
    return max(float(np.abs(np.asarray(a, np.float64) - b).max()) for a, b in pairs)


def _in_words(disagreements: Sequence[Agreement]) -> str:
    """The worst element, and the names of the other tensors."""
    others = ", ".join(a.tensor for a in disagreements[1:])
    return str(disagreements[0]) + (f"; so do {others}" if others else "")


def _kind(thing: Any) -> str:
    return type(thing).__name__
