"""What makes the gradients of one way of using the target right: the ways in which they may be so, the plainest first.

A penalty on the weights, an update after every row, a constant that the step contains, a few roundings or lost digits
more than usual do not matter, and are named.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from samegrad.impls.parameters import Layer
from samegrad.impls.problem import SQUARED
from samegrad.impls.verifying import mistakes
from samegrad.impls.verifying.conventions import Convention
from samegrad.impls.verifying.diagnosis import Diagnosis, Explanation, diagnose, diagnose_row_by_row
from samegrad.impls.verifying.forward import ROUNDINGS
from samegrad.impls.verifying.judge import Activations, Judge, Observation
from samegrad.impls.verifying.mutants import BackwardSteps

if TYPE_CHECKING:
    from samegrad.impls.verifying.candidate import Candidate

DIGITS = 1e-6
"""Relative error up to which a gradient is right but for lost digits: an ε in a denominator, differences in the place
of derivatives, results that are rounded. No wrong formula of the bank is so near to the right one."""


PARALLEL = 1e-9
"""The largest distance from 1 of the cosine of two parallel vectors: far beyond rounding, 1e-15, and below chance."""
RATE = {"float64": 1e-9, "float32": 1e-5}
"""Relative error to which a learning rate is the one that fits, by dtype: least squares give it to some 1e-13 and 1e-8,
and no two rates of a program are so near to each other."""


def first_right(c: Candidate) -> Diagnosis | None:
    """The first way in which every gradient is right, the plainest first."""
    attempts: tuple[Callable[[Candidate], Diagnosis | None], ...] = (
        _plainly,
        _row_by_row,
        _up_to_a_constant,
        _rounded_more,
        _penalised,
        partial(_penalised, loose=ROUNDINGS),
        _penalised_row_by_row,
        _uphill,
        _to_digits,
    )
    return next(filter(None, (attempt(c) for attempt in attempts)), None)


def _plainly(c: Candidate) -> Diagnosis | None:
    diagnosis = c.diagnose()
    return diagnosis if diagnosis.right else None


def _row_by_row(c: Candidate) -> Diagnosis | None:
    if not c.recovered or all(len(o.x) == 1 for o in c.observations):
        return None
    diagnosis = in_turn(c)
    return diagnosis if diagnosis and diagnosis.right else None


def in_turn(c: Candidate, explain: bool = False) -> Diagnosis | None:
    """Updates after each row, at the learning rate that is given, or at one that fits the batches of one."""
    look = partial(diagnose_row_by_row, activations=c.choices, conventions=c.allowed, dtype=c.dtype, explain=explain)
    return next(filter(None, map(look, _at_rates(c))), None)


def _at_rates(c: Candidate) -> Iterator[list[Observation]]:
    """The observations as they are; where the rate is not known, also at those that make batches of one right."""
    yield c.observations
    alone = [o for o in c.observations if len(o.x) == 1]
    if alone and not c.rate_known:
        single = c.diagnose(alone, rate_known=False)
        if single.right:
            yield [_at_rate(o, single.constant) for o in c.observations]


def _up_to_a_constant(c: Candidate) -> Diagnosis | None:
    if c.returned or (c.asked.strict and c.rate_known):
        return None
    diagnosis = c.diagnose(rate_known=False)
    if not diagnosis.right or (_is_rate(c, diagnosis.constant, c.observations[0].rate) and not c.recovered):
        return None  # a returned gradient that contains the learning rate is a mistake of the bank
    diagnosis = _with_literal(c, diagnosis)
    if not c.rate_known:
        return diagnosis
    if _is_rate(c, diagnosis.constant * c.observations[0].rate, 1.0):
        return _noted(
            diagnosis, "The learning rate that it takes is not used: its step is always 1 times the gradient."
        )
    return _noted(
        diagnosis,
        f"The {'step' if c.recovered else 'gradient'} is {diagnosis.constant:.6g} times that of the loss (a constant "
        "of your own, as a momentum's 1 − β, does not matter).",
    )


def _with_literal(c: Candidate, diagnosis: Diagnosis) -> Diagnosis:
    """The convention whose learning rate is written in the source, of those that fit with some rate."""
    judge = Judge(c.observations, c.dtype, rate_known=False)
    choice, numbers = diagnosis.activations, [number for number in c.source.literals if number > 0]
    for convention in c.allowed:
        fit = judge.right(choice, [convention])
        if fit and any(_is_rate(c, fit[1], number) for number in numbers):
            return replace(diagnosis, convention=fit[0], constant=fit[1])
    return diagnosis


def _is_rate(c: Candidate, constant: float, rate: float) -> bool:
    return abs(constant - rate) <= RATE[c.dtype] * rate


def _rounded_more(c: Candidate) -> Diagnosis | None:
    """Right but for a few roundings more than the usual formulas have."""
    diagnosis = c.diagnose(rate_known=c.rate_known, loose=ROUNDINGS)
    return _rounds_more(diagnosis) if diagnosis.right else None


def _penalised(c: Candidate, loose: float = 1.0) -> Diagnosis | None:
    one_row = c.layers == 1 and all(len(o.x) == 1 for o in c.observations)
    if c.is_degenerate or (c.message["start"] and one_row):
        return None  # of one row, weights that start from zero have the gradient's direction, as any penalty would
    judge = Judge(c.observations, c.dtype, c.rate_known, loose=loose)
    for choice in c.choices:
        if fit := judge.penalised(choice, c.allowed):
            convention, penalty = fit
            right = Diagnosis(True, choice, convention, 1.0, penalty.taus, penalty=penalty)
            if penalty.descends:
                return _rounds_more(right) if loose > 1 else right
            if c.message["start"] and _from_zero(c, choice, convention):
                if c.message["start"] > 1 or not penalty.with_biases or penalty.kind != "L2":
                    return None
                note = "The second step also contains a part of the first one, as momentum has it."
                return _noted(replace(right, penalty=None), note)
            explanation = Explanation(mistakes.PENALTY_SIGN, choice, convention, 1.0)
            taus = c.judge.taus(choice, convention)
            c.climbing = Diagnosis(False, choice, convention, 1.0, taus, (explanation,), penalty=penalty)
    return None


def _penalised_row_by_row(c: Candidate) -> Diagnosis | None:
    """Updates after each row with a penalty on the weights in each, whose λ shows in the batches of one row."""
    alone = [o for o in c.observations if len(o.x) == 1]
    if not (c.recovered and c.rate_known) or len(alone) in (0, len(c.observations)) or c.is_degenerate:
        return None
    single = Judge(alone, c.dtype)
    together = Judge(c.observations, c.dtype, row_by_row=True, loose=ROUNDINGS)
    for choice in c.choices:
        fit = single.penalised(choice, c.allowed)
        if fit is None or fit[1].kind != "L2" or fit[1].with_biases or not fit[1].descends:
            continue
        convention, penalty = fit
        step = {
            "weight": lambda at, delta, size=penalty.coefficients[0][1]: BackwardSteps.weight(at, delta) + size * at.W
        }
        penalised = replace(mistakes.RIGHT, changes=step, proportional=False)
        if together.fits(penalised, choice, [convention]):
            taus = together.taus_under(penalised, choice, convention)
            return Diagnosis(True, choice, convention, 1.0, taus, row_by_row=True, penalty=penalty)
    return None


def _from_zero(c: Candidate, choice: Activations, convention: Convention) -> bool:
    """Are the weights of the first layer a step from zero, in the direction of the gradient there?

    Of more than one layer that gradient is zero, as the error is passed back through weights of zero.
    """
    first = c.observations[0]
    zeros = [Layer(np.zeros_like(W), np.zeros_like(b)) for W, b in first.parameters]
    there = Judge([replace(first, parameters=zeros, references={})]).references(choice, convention.loss)
    if there is None:
        return False
    W, g = first.parameters[0].W.ravel(), there[0].gradients["W1"].ravel()
    return bool(abs(W @ g) > (1 - PARALLEL) * np.linalg.norm(W) * np.linalg.norm(g))


def _uphill(c: Candidate) -> Diagnosis | None:
    """The gradient of a log-likelihood, which is climbed."""
    if c.recovered or not c.source.ascends:
        return None
    turned = [replace(o, gradients={n: -g for n, g in o.gradients.items()}) for o in c.observations]
    some = [v for v in c.allowed if v.loss != SQUARED]
    if not any(v.suits(choice) for v in some for choice in c.choices):
        return None
    diagnosis = diagnose(turned, c.choices, some, dtype=c.dtype)
    note = "It points uphill, as the gradient of a likelihood does: add it to the weights, do not subtract it."
    return _noted(diagnosis, note) if diagnosis.right else None


def _to_digits(c: Candidate) -> Diagnosis | None:
    """Right to some digits, where the source does not ask for float32."""
    if c.source.float32 or c.dtype == "float32" or c.asked.strict:
        return None
    values = [g for o in c.observations for g in o.gradients.values()]
    if all(np.array_equal(g, g.astype(np.float32)) for g in values):
        return None
    decimals = next((d for d in range(1, 9) if all(np.array_equal(g, np.round(g, d)) for g in values)), None)
    loose = []
    for o in c.observations:
        rounding = 0.0 if decimals is None else 0.5 * 10.0**-decimals
        slack = {
            n: o.slack.get(n, 0.0) + rounding + DIGITS * np.max(abs(g), initial=0.0) for n, g in o.gradients.items()
        }
        loose.append(replace(o, slack={n: np.broadcast_to(s, o.gradients[n].shape) for n, s in slack.items()}))
    diagnosis = c.diagnose(loose)
    if not diagnosis.right:
        return None
    words = f"It is rounded to {decimals} decimals." if decimals is not None else (
        "It is right to about seven digits only: an ε in a denominator or a logarithm costs that, and so do "
        "differences in the place of derivatives."
    )  # fmt: skip
    return _noted(diagnosis, words)


def _noted(diagnosis: Diagnosis, note: str) -> Diagnosis:
    return replace(diagnosis, notes=(note,))


def _rounds_more(diagnosis: Diagnosis) -> Diagnosis:
    """The diagnosis with a note that it is right within the widened bound only."""
    return _noted(
        diagnosis,
        f"The largest error is {ROUNDINGS * diagnosis.margin:.3g} times the bound, which is derived for the usual "
        "formulas: another one for the same, as exp(z)/(1 + exp(z)), rounds a little more. A wrong one would be "
        "off by millions.",
    )


def _at_rate(o: Observation, rate: float) -> Observation:
    """The observation of the same change of the parameters, read with another learning rate."""
    return replace(
        o,
        rate=rate,
        gradients={n: g / rate for n, g in o.gradients.items()},
        slack={n: s / rate for n, s in o.slack.items()},
    )
