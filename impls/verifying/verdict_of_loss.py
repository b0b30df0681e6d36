"""The verdict by a loss that is only known as a program, differentiated beside the target's own gradient."""

from __future__ import annotations

from typing import Any

import numpy as np

from samegrad.impls.verifying.candidate import Candidate
from samegrad.impls.verifying.conventions import CONVENTIONS, Convention
from samegrad.impls.verifying.diagnosis import diagnose, first_wrong
from samegrad.impls.verifying.evidence import Case, phrase
from samegrad.impls.verifying.forward import NEAR, recognise
from samegrad.impls.verifying.judge import ONCE, worst_tau
from samegrad.impls.verifying.report import RIGHT, WRONG, Report
from samegrad.impls.verifying.wording import family_words, listed, loss_words
from samegrad.impls.verifying.writing import write_on

ROUNDED = 1e-14
"""The allowed error, as a share of the largest entry, for some fifty roundings of the gradient itself: an unknown loss
has no derived bound for them."""
EPSILON = 1e-5
"""The largest number that is written to keep logarithms and quotients finite; the usual ones are 1e-8 to 1e-15."""


def against_loss(candidate: Candidate, losses: list[dict[str, Any]], family: str = "") -> Report:
    """Compare the gradients with those of `losses`, one for each probe.

    With `family`, a known loss of the program's own predictions as a mean over all elements: any convention of it is
    right. A loss that is recognised by its values is also compared with the oracle, and is right by one of the two.
    """
    recognised = (
        None if family else recognise(candidate.judge, candidate.choices, [loss["loss"] for loss in losses], NEAR)
    )
    conventions = [c for c in CONVENTIONS if c.loss == family] if family else [ONCE]
    compared = (_compared(candidate, losses, convention) for convention in conventions)
    best, cases = min(compared, key=lambda pair: max(pair[0].values()))
    right = max(best.values()) <= 1
    if recognised and not right:
        known = diagnose(candidate.observations, recognised[0], recognised[1], dtype=candidate.dtype, depth="right")
        if known.right:
            right, best = True, known.taus
    words = f"the {family_words(family)} of its own forward pass" if family else "your own loss"
    if recognised:
        words += f", {loss_words(recognised[1][0], candidate.outputs)}"
    report = write_on(
        candidate,
        RIGHT if right else WRONG,
        f"right for {words}" if right else f"the gradient is not that of {words}",
        best,
        recognised[1][0].name if recognised else "own",
    )
    report.loss = words
    method = losses[0]["method"]
    how = "the complex step" if method == "complex step" else "extrapolated differences, as it takes no complex numbers"
    report.notes.append(
        f"Your loss is {recognised[1][0].formula}, recognised by its values."
        if recognised
        else f"Its own forward pass was differentiated by {how}."
        if family
        else f"Your loss is none that is known here; it was differentiated by {how}."
    )
    if candidate.unusual:
        report.notes.append(f"Its activations are {listed(candidate.unusual)}.")
    if not right:
        report.evidence = phrase(best, cases, candidate.dtype)
        report.first_wrong = first_wrong(best, candidate.layers)
        report.headline += f"; the first wrong quantity is {report.first_wrong}" if report.first_wrong else ""
    return report


def _compared(
    candidate: Candidate, losses: list[dict[str, Any]], convention: Convention
) -> tuple[dict[str, float], dict[str, list[Case]]]:
    """The worst τ of each tensor over all probes, and what was compared."""
    taus: dict[str, float] = {}
    cases: dict[str, list[Case]] = {}
    share = _allowed(candidate)
    for o, loss in zip(candidate.observations, losses, strict=False):
        scale = convention.factor(*o.y.shape)
        for name, gradient in o.gradients.items():
            expected = scale * loss["gradients"][name]
            bound = scale * loss["bounds"][name] + o.slack.get(name, 0.0) + share * np.max(abs(expected), initial=0.0)
            taus[name] = max(taus.get(name, 0.0), worst_tau(gradient, expected, bound))
            cases.setdefault(name, []).append((gradient, expected, len(o.x)))
    return taus, cases


def _allowed(candidate: Candidate) -> float:
    """The error that is allowed beside that of the differences, as a share of a tensor's largest entry."""
    share = ROUNDED
    if candidate.dtype == "float32":  # no bound is derived for an unknown loss: 128 roundings of the largest
        share += 64 * float(np.finfo(np.float32).eps)
    if not candidate.source.float32 and any(0 < number <= EPSILON for number in candidate.source.literals):
        share += NEAR  # it moves logarithms and quotients by as much
    return share
