"""Is a change of the weights one step along the gradient, or several, or no multiple of it, as Adam's?"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence

import numpy as np

from samegrad.impls.parameters import Array
from samegrad.impls.verifying.conventions import CONVENTIONS
from samegrad.impls.verifying.judge import Activations, Judge, Observation

SPREAD = 1e-3
"""Relative spread of the sizes of all entries of a first step of Adam, RMSprop or Adagrad, whose ε disturbs small
ones."""


def is_alike_everywhere(observations: Iterable[Observation]) -> bool:
    """Does every weight move by the same amount, whatever the gradient is, as in a first step of Adam?"""
    for o in observations:
        sizes = np.concatenate([abs(g).ravel() for g in o.gradients.values()])
        moving = sizes[sizes > 0]
        if moving.size < 3 or np.quantile(moving, 0.9) > (1 + SPREAD) * np.median(moving):
            return False
        if np.quantile(moving, 0.25) < (1 - 10 * SPREAD) * np.median(moving):
            return False
    return True


def count(first: Observation, slow: dict[str, Array], choices: Sequence[Activations], losses: Iterable[str]) -> int:
    """How many steps one call takes: at a tiny learning rate n steps are n times one. 0 where it is no such thing.

    `slow` are the gradients of the first probe, recovered at such a rate. There the n steps differ by n times a
    millionth, relatively; a gradient is recovered to some 1e-9; so agreement to 1 % of the largest is no accident, and
    allows for n up to thousands.
    """
    names = [n for n, g in slow.items() if g.shape == first.gradients[n].shape]
    change = np.concatenate([slow[n].ravel() for n in names])
    usual = np.concatenate([first.gradients[n].ravel() for n in names])
    judge = Judge([first])
    for choice, loss in itertools.product(choices, losses):
        some = [c for c in CONVENTIONS if c.loss == loss and c.suits(choice)]
        for reference in (judge.references(choice, loss) or ()) if some else ():
            expected = np.concatenate([reference.gradients[n].ravel() for n in names])
            if change.shape != expected.shape or not np.any(expected):
                continue
            ratio = _multiple(change, expected, 0.01)
            if not ratio:
                continue
            steps = [ratio / convention.factor(*first.y.shape) for convention in some]
            if any(abs(n - 1) < 0.01 for n in steps):
                return 0
            whole = [round(n) for n in steps if n > 1.5 and abs(n - round(n)) < 0.01 * n]
            # One step of the usual size has the gradient's direction to some 1e-9; a second, from where the first has
            # led, turns it by a hundredth and more.
            if whole and not _multiple(usual, expected, 1e-6):
                return whole[0]
    return 0


def _multiple(one: Array, other: Array, near: float) -> float:
    """How many times the other one is, up to so much of its largest entry; 0 where it is no multiple."""
    ratio = float(one @ other) / float(other @ other)
    return ratio if np.allclose(one, ratio * other, rtol=0, atol=near * float(np.max(abs(one)))) else 0.0
