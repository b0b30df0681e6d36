"""The verdict by a loss that is only known as a program, differentiated beside the target's own gradient."""

from __future__ import annotations

from typing import Any

import numpy as np

from samegrad.impls.parameters import Array
from samegrad.impls.verifying.candidate import Candidate
from samegrad.impls.verifying.conventions import CONVENTIONS
from samegrad.impls.verifying.diagnosis import diagnose, first_wrong
from samegrad.impls.verifying.evidence import phrase, relation
from samegrad.impls.verifying.forward import NEAR, recognise
from samegrad.impls.verifying.judge import worst_tau
from samegrad.impls.verifying.report import Report
from samegrad.impls.verifying.verdicts import RIGHT, WRONG
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
    best: dict[str, float] = {}
    scales: list[float] = []
    for convention in [c for c in CONVENTIONS if c.loss == family] if family else [None]:
        some = [convention.factor(*o.y.shape) if convention else 1.0 for o in candidate.observations]
        taus = _taus(candidate, losses, some)
        if not best or max(taus.values()) < max(best.values()):
            best, scales = taus, some
    right = all(tau <= 1 for tau in best.values())
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
        _locate(report, candidate, losses, scales, best)
    return report


def _taus(candidate: Candidate, losses: list[dict[str, Any]], scales: list[float]) -> dict[str, float]:
    """The worst τ of each tensor over all probes."""
    taus: dict[str, float] = {}
    for observation, loss, scale in zip(candidate.observations, losses, scales, strict=False):
        for name, gradient in observation.gradients.items():
            expected, bound = scale * loss["gradients"][name], scale * loss["bounds"][name]
            bound = bound + observation.slack.get(name, 0.0) + ROUNDED * np.max(abs(expected), initial=0.0)
            if candidate.dtype == "float32":  # no bound is derived for an unknown loss: 128 roundings of the largest
                bound = bound + 64 * np.finfo(np.float32).eps * np.max(abs(expected))
            if not candidate.source.float32:
                bound = bound + NEAR * np.max(abs(expected), initial=0.0) * _contains_epsilon(candidate)
            taus[name] = max(taus.get(name, 0.0), worst_tau(gradient, expected, bound))
    return taus


def _contains_epsilon(candidate: Candidate) -> float:
    """1 where the source has a tiny number, which keeps logarithms and quotients finite and moves them by as much."""
    return float(any(0 < number <= EPSILON for number in candidate.source.literals))


def _locate(
    report: Report, candidate: Candidate, losses: list[dict[str, Any]], scales: list[float], taus: dict[str, float]
) -> None:
    """Say what is wrong in which tensor, and where the first wrong quantity is."""
    cases: dict[str, list[tuple[Array, Array, int]]] = {}
    for observation, loss, scale in zip(candidate.observations, losses, scales, strict=False):
        for name, gradient in observation.gradients.items():
            cases.setdefault(name, []).append((gradient, scale * loss["gradients"][name], len(observation.x)))
    wrong = {n: relation(c, candidate.dtype) for n, c in cases.items() if taus[n] > 1}
    report.evidence = phrase(wrong, list(taus))
    report.first_wrong = first_wrong(taus, candidate.layers)
    report.headline += f"; the first wrong quantity is {report.first_wrong}" if report.first_wrong else ""
