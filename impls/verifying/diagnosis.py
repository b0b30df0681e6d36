"""Diagnosis: are the gradients right, for which convention, and if not, which mistakes explain them?

A gradient is right if every element of every tensor, on every probe, is within the rounding bound of the oracle's,
times the constant of one convention. If it is not, each mistake of the bank is tried in the same way, single ones
first, then pairs; what fits on *all* probes is listed, the most usual first. If nothing fits, the first wrong quantity
on the way back through the network is named.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from samegrad.impls.errors import BadInput, choose
from samegrad.impls.problem import SQUARED
from samegrad.impls.verifying import mistakes, mutants
from samegrad.impls.verifying.conventions import CONVENTIONS, MSE, Convention
from samegrad.impls.verifying.forward import ROUNDINGS
from samegrad.impls.verifying.judge import Activations, Judge, Observation, Penalty
from samegrad.impls.verifying.mutants import Mistake
from samegrad.impls.verifying.wording import layer_name, output_cotangent

PAIRS_S = 3.0
"""Processor time for which two mistakes at once are looked for."""


@dataclass(frozen=True)
class Explanation:
    """A mistake under which the target's gradients are what they are."""

    mistake: Mistake
    activations: Activations
    convention: Convention
    constant: float


@dataclass(frozen=True)
class Diagnosis:
    """The outcome. `taus` is the worst |g − g*|/B of each tensor over all probes, for `convention` × `constant`."""

    right: bool
    activations: Activations
    convention: Convention
    constant: float
    """The factor beside the convention's: not 1 only where the learning rate was found from the result."""
    taus: dict[str, float]
    explanations: tuple[Explanation, ...] = ()
    first_wrong: str = ""
    """Where the first wrong quantity is, if nothing explains it."""
    row_by_row: bool = False
    """Were the parameters updated after each row?"""
    penalty: Penalty | None = None
    """A penalty on the weights that the gradient contains."""
    notes: tuple[str, ...] = ()
    """What makes it right, in words, where that is more than the convention."""

    @property
    def margin(self) -> float:
        """The worst τ of all tensors."""
        return max(self.taus.values())


DEPTHS = ("right", "nearest", "singles", "pairs")


def diagnose(
    observations: Sequence[Observation],
    activations: Sequence[Activations],
    conventions: Sequence[Convention] = CONVENTIONS,
    *,
    dtype: str = "float64",
    rate_known: bool = True,
    depth: str = "right",
    loose: float = 1.0,
) -> Diagnosis:
    """Judge the observations of one target.

    `activations` are those that the network may have, the likeliest first; `conventions` those that are allowed;
    `depth`, one of DEPTHS, is how far to look where they are not right: "right" (not at all), "nearest" (which tensors
    are right), "singles", "pairs" (for mistakes that explain them); `loose` widens the bound.
    """
    choose("depth", depth, DEPTHS)
    judge = Judge(observations, dtype, rate_known, loose=loose)
    activations = [choice for choice in activations if judge.references(choice) is not None]
    if not activations:
        raise BadInput("every probe is on the kink of a ReLU; take another seed")
    for choice in activations:
        if fit := judge.right(choice, conventions):
            return Diagnosis(True, choice, *fit, judge.taus(choice, *fit))

    if depth == "right":
        return Diagnosis(False, activations[0], conventions[0], 1.0, {})
    explanations = _explain(judge, activations, conventions, depth == "pairs") if depth != "nearest" else []
    if explanations:
        best = explanations[0]
        shown = best.activations, best.convention, best.constant
        return Diagnosis(False, *shown, judge.taus(*shown), tuple(explanations))
    shown = _nearest(judge, activations, conventions)
    taus = judge.taus(*shown)
    return Diagnosis(False, *shown, taus, (), first_wrong(taus, len(observations[0].parameters)))


def diagnose_row_by_row(
    observations: Sequence[Observation],
    activations: Sequence[Activations],
    conventions: Sequence[Convention] = CONVENTIONS,
    *,
    dtype: str = "float64",
    explain: bool = True,
) -> Diagnosis | None:
    """The diagnosis of a program that updates after every row (stochastic gradient descent); None if it does not fit.

    The rows may be shuffled: then only batches of one and two are looked at, the two in both orders.
    """
    short = [o for o in observations if len(o.x) <= 2]
    judges = [Judge(observations, dtype, row_by_row=True)]
    if len(short) > 1:
        judges += [Judge(short, dtype, row_by_row=True, backwards=b) for b in (False, True)]
    judges = [judge for judge in judges if judge.moves]
    possible = [choice for choice in activations if judges and judges[0].references(choice)]
    alone = [o for o in observations if len(o.x) == 1]
    single = Judge(alone, dtype)  # on one row all is the same row by row: a cheap test before the dear one
    likely_right = [choice for choice in possible if single.fits(mistakes.RIGHT, choice, conventions)]
    for judge, choice in itertools.product(judges, likely_right):
        if fit := judge.fits(mistakes.RIGHT, choice, conventions):
            taus = judge.taus_under(mistakes.RIGHT, choice, fit[0])
            return Diagnosis(True, choice, fit[0], fit[1], taus, row_by_row=True)
    if not explain or not alone:
        return None
    for choice in possible:
        likely = [mistake for mistake in mistakes.bank(choice) if single.fits(mistake, choice, conventions)]
        for judge in judges:
            if explanations := _fitting(judge, choice, conventions, likely):
                best = explanations[0]
                taus = judge.taus_under(mistakes.RIGHT, choice, best.convention)
                return Diagnosis(False, choice, best.convention, 1.0, taus, tuple(explanations), row_by_row=True)
    return None


def _explain(
    judge: Judge, activations: Sequence[Activations], conventions: Sequence[Convention], with_pairs: bool
) -> list[Explanation]:
    """The mistakes that fit: another convention, float32 inside, single ones of the bank, then pairs if asked for."""
    every = [*conventions, *_others(conventions)]
    return (
        _other_conventions(judge, activations, conventions)
        or _float32_inside(judge, activations, conventions)
        or _search(judge, activations, every, mistakes.bank)
        or (_search(judge, activations, every, _pairs_in_time(time.process_time() + PAIRS_S)) if with_pairs else [])
    )


def _pairs_in_time(end_s: float) -> Callable[[Activations], Iterable[Mistake]]:
    """The pairs of mistakes that the bank has for some activations, until so much processor time has passed."""
    return lambda choice: itertools.takewhile(
        lambda _: time.process_time() < end_s, mutants.pairs(mistakes.bank(choice))
    )


def _others(conventions: Sequence[Convention]) -> list[Convention]:
    """The other conventions of the same losses."""
    losses = {convention.loss for convention in conventions}
    return [c for c in CONVENTIONS if c not in conventions and c.loss in losses]


def _search(
    judge: Judge,
    activations: Sequence[Activations],
    conventions: Sequence[Convention],
    bank: Callable[[Activations], Iterable[Mistake]],
) -> list[Explanation]:
    """The explanations that fit, for the first activations under which any does."""
    return next(filter(None, (_fitting(judge, choice, conventions, bank(choice)) for choice in activations)), [])


def _fitting(
    judge: Judge, choice: Activations, conventions: Sequence[Convention], bank: Iterable[Mistake]
) -> list[Explanation]:
    """The explanations that fit; of several with one text, the first."""
    by_title: dict[str, Explanation] = {}
    for mistake in bank:
        if fit := judge.fits(mistake, choice, conventions):
            by_title.setdefault(mistake.title, Explanation(mistake, choice, *fit))
    return list(by_title.values())


def _other_conventions(
    judge: Judge, activations: Sequence[Activations], conventions: Sequence[Convention]
) -> list[Explanation]:
    """The explanation that the gradient is right for a convention that is not allowed here."""
    others = _others(conventions)
    for choice in activations:
        if fit := judge.right(choice, others):
            asked, actual = conventions[0], fit[0]
            mistake = Mistake(
                "another-convention",
                f"the gradient is that of {actual.formula}, but the loss is {asked.formula}",
                f"Every gradient is {actual.relation} that of the mean squared error, where {asked.relation} is due."
                if actual.loss == asked.loss == SQUARED
                else f"The gradient is that of another loss: {actual.formula}.",
                f"∂L/∂{'a' if asked.loss == SQUARED else 'z'} = {output_cotangent(asked)}  for  L = {asked.formula}",
            )
            return [Explanation(mistake, choice, asked, fit[1])]
    return []


def _float32_inside(
    judge: Judge, activations: Sequence[Activations], conventions: Sequence[Convention]
) -> list[Explanation]:
    """Right to float32's precision, though float64 is claimed (what claims float32 has been found wrong there).

    What is off by some roundings of float64 only is another formula, and not float32.
    """
    coarse = Judge(judge.observations, "float32", judge.rate_known)
    for choice in activations:
        fit = coarse.right(choice, conventions)
        if fit and max(judge.taus(choice, *fit).values()) > ROUNDINGS:
            exact = all(
                np.array_equal(g, g.astype(np.float32)) for o in judge.observations for g in o.gradients.values()
            )
            cast = " Every value is a float32 number: the result is cast."
            mistake = replace(
                mistakes.FLOAT32, title="the gradient is rounded to float32", sentence=mistakes.FLOAT32.sentence + cast
            )
            mistake = mistake if exact else mistakes.FLOAT32
            return [Explanation(mistake, choice, *fit)]
    return []


def _nearest(
    judge: Judge, activations: Sequence[Activations], conventions: Sequence[Convention]
) -> tuple[Activations, Convention, float]:
    """The activations and convention under which most tensors are right, to show where the others go wrong.

    A demanded convention may suit none of the activations; then the mean squared error is shown.
    """

    def right_tensors(choice: tuple[Activations, Convention]) -> int:
        return sum(tau <= 1 for tau in judge.taus(*choice).values())

    possible = [pair for pair in itertools.product(activations, conventions) if pair[1].suits(pair[0])]
    return *max(possible or [(activations[0], MSE)], key=right_tensors), 1.0


def first_wrong(taus: dict[str, float], m: int) -> str:
    """The first wrong quantity on the way back, from which gradients are right (τ ≤ 1)."""
    for ell in range(m, 0, -1):
        bias, weight = taus.get(f"b{ell}"), taus[f"W{ell}"]
        weight_wrong, bias_wrong = weight > 1, bias is not None and bias > 1
        what = layer_name(ell, m)
        if weight_wrong and (bias_wrong or bias is None):
            return f"the delta of {what}, δ{ell}" + (f" (δ{ell + 1} is right)" if ell < m else "")
        if weight_wrong:
            return f"the weight gradient of {what}, dW{ell} (db{ell}, and so δ{ell}, is right)"
        if bias_wrong:
            return f"the bias gradient of {what}, db{ell} (dW{ell}, and so δ{ell}, is right)"
    return ""
