"""Evidence: what anyone can see in the numbers, in words: which tensors are right, and how the others are wrong."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

import numpy as np

from samegrad.impls.parameters import Array
from samegrad.impls.verifying.diagnosis import Diagnosis
from samegrad.impls.verifying.judge import Judge, Observation
from samegrad.impls.verifying.wording import listed

CLOSE = {"float64": 1e-9, "float32": 1e-4}
"""Two numbers this near, relatively to the largest beside them, are called the same: millions of roundings of float64,
or a thousand of float32, which a right gradient at the probes' scale never needs; and far below any factor that a
mistake introduces (a number of rows, 2, the learning rate 0.375)."""
DIGITS = {"rtol": 1e-4, "of_largest": 1e-6}
"""Off by no more than this is a matter of lost digits and of no wrong formula: float32 inside, or differences in the
place of derivatives; below a millionth of the largest entry those have no digits left."""


def describe(
    diagnosis: Diagnosis,
    observations: Sequence[Observation],
    dtype: str,
    absent: Collection[str] = (),
) -> str:
    """One sentence on a wrong gradient: what is seen in which tensor, and what is right beside it.

    `absent` are the tensors for which nothing was returned. Of updates row by row only batches of one are looked at.
    """
    if diagnosis.row_by_row:
        observations = [o for o in observations if len(o.x) == 1] or observations
    references = Judge(observations, dtype).references(diagnosis.activations, diagnosis.convention.loss) or []
    cases: dict[str, list[Case]] = {name: [] for name in diagnosis.taus}
    for o, reference in zip(observations, references, strict=True):
        scale = diagnosis.constant * diagnosis.convention.factor(*o.y.shape)
        for name, of_tensor in cases.items():
            of_tensor.append((o.gradients[name], scale * reference.gradients[name], len(o.x)))
    return phrase(diagnosis.taus, cases, dtype, absent)


Case = tuple[Array, Array, int]
"""The tensor that was found, the one that was expected, and the number of rows."""


def phrase(
    taus: Mapping[str, float], cases: Mapping[str, Sequence[Case]], dtype: str, absent: Collection[str] = ()
) -> str:
    """ "db1 is zero while every other gradient is right", of each tensor's worst τ and its cases."""
    seen = {n: "is not returned" if n in absent else relation(cases[n], dtype) for n, tau in taus.items() if tau > 1}
    if not seen:
        return "every gradient is right"
    groups: dict[str, list[str]] = {}
    for name, what in seen.items():
        groups.setdefault(what, []).append(name)
    right = [name for name in taus if name not in seen]
    if not right and len(groups) == 1:
        return f"every gradient {next(iter(groups))}"
    phrases = [
        f"{listed('d' + name for name in sorted(names, key=lambda n: (n[1:], n[0] == 'b')))} {_agree(what, len(names))}"
        for what, names in groups.items()
    ]
    if not right:
        return "; ".join(phrases)
    rest = "every other gradient is" if len(right) > 1 else f"d{right[0]} is"
    return f"{'; '.join(phrases)} while {rest} right"


def relation(cases: Sequence[Case], dtype: str) -> str:
    """The simplest relation that holds on all probes; written for one tensor ("is zero")."""
    close = CLOSE[dtype]

    def everywhere(test: Callable[[Array, Array], bool]) -> bool:
        return all(test(actual, expected) for actual, expected, _ in cases)

    def same(actual: Array, expected: Array) -> bool:
        return actual.shape == expected.shape and np.allclose(
            actual, expected, rtol=close, atol=close * _size(expected)
        )

    if not everywhere(lambda actual, expected: bool(np.isfinite(actual).all())):
        return "is not finite"
    if everywhere(lambda actual, expected: not np.any(actual)):
        return "is zero"
    if everywhere(lambda f, e: same(f, -e)):
        return "is −1 times the right one"
    if everywhere(lambda f, e: f.ndim == 2 and f.size > 1 and same(f, e.T)):
        return "is the transpose of the right one"
    for actual, expected, rows in cases:
        if actual.shape != expected.shape:
            return f"has the shape {actual.shape} where {expected.shape} is due (with {rows} rows)"
    if everywhere(lambda f, e: f.ndim == 1 and f.size > 1 and same(f, np.full(f.shape, e.sum()))):
        return "has the total in every entry"
    if factor := _factor(cases, same, close):
        return factor
    if everywhere(lambda f, e: f.ndim == 2 and same(np.sort(f.ravel()), np.sort(e.ravel()))):
        return "has the right numbers in the wrong places"
    singles = [same(actual, expected) for actual, expected, rows in cases if rows == 1]
    if singles and all(singles):
        return "is right for one row but wrong for several"
    if everywhere(lambda f, e: same(f.sum(), e.sum())):
        return "has the right sum in wrong parts"
    if dtype == "float64" and everywhere(
        lambda f, e: np.allclose(f, e, rtol=DIGITS["rtol"], atol=DIGITS["of_largest"] * _size(e))
    ):
        error = max(np.max(abs(actual - expected)) / _size(expected) for actual, expected, _ in cases)
        return f"is right to about {int(-np.log10(error))} digits only"
    return "is wrong"


def _factor(cases: Sequence[Case], same: Callable[[Array, Array], bool], close: float) -> str:
    """ "is 0.25 times the right one", or the factor's dependence on the number of rows."""
    factors = []
    for actual, expected, rows in cases:
        power = float(np.vdot(expected, expected))
        if power == 0:
            return ""
        factor = float(np.vdot(expected, actual)) / power
        if not same(actual, factor * expected):
            return ""
        factors.append((rows, factor))
    if np.allclose([factor for _, factor in factors], factors[0][1], rtol=close) and any(r > 1 for r, _ in factors):
        if all(actual.size == 1 for actual, _, _ in cases) and len(cases) < 2:
            return ""
        return f"is {factors[0][1]:.4g} times the right one"
    for power_of_rows, words in ((1, "N times"), (-1, "1/N of")):
        if all(np.isclose(factor, float(rows) ** power_of_rows, rtol=close) for rows, factor in factors):
            return f"is {words} the right one (N rows)"
    return ""


def _size(array: Array) -> float:
    return float(np.max(abs(array), initial=0.0)) or 1.0


def _agree(what: str, count: int) -> str:
    """Singular to plural."""
    if count == 1:
        return what
    verb, rest = what.split(" ", 1)
    return f"{'are' if verb == 'is' else 'have'} {rest.replace('the right one', 'the right ones')}"
