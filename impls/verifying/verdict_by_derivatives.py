"""The verdict by derivatives of the program's own forward pass, where that is only known as a program.

They are those of its loss, or those that a rule for a part of a network should give: a torch.autograd.Function or a
jax.custom_vjp.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from samegrad.impls.parameters import Array
from samegrad.impls.verifying.candidate import Candidate
from samegrad.impls.verifying.conventions import CONVENTIONS, Convention
from samegrad.impls.verifying.diagnosis import diagnose, first_wrong
from samegrad.impls.verifying.forward import FUNCTIONS, NEAR, recognise
from samegrad.impls.verifying.judge import ONCE, worst_tau
from samegrad.impls.verifying.mistakes import IGNORES_UPSTREAM
from samegrad.impls.verifying.report import RIGHT, UNKNOWN, WRONG, Named, Report, Row
from samegrad.impls.verifying.running import Running
from samegrad.impls.verifying.slopes import WRONG_SLOPES
from samegrad.impls.verifying.wording import (
    CLOSE,
    SLOPE_FORMULAS,
    SYMBOL,
    family_words,
    listed,
    loss_words,
    phrase,
    relation,
)
from samegrad.impls.verifying.writing import beside, write_on

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
    compared = {convention: _compared(candidate, losses, convention) for convention in conventions}
    nearest, best = min(compared.items(), key=lambda pair: max(pair[1].values()))
    right = max(best.values()) <= 1
    if recognised and not right:
        known = diagnose(candidate.observations, recognised[0], recognised[1], dtype=candidate.dtype)
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
        seen = beside(candidate.observations, [loss["gradients"] for loss in losses], nearest)
        report.evidence = phrase(best, seen, candidate.dtype)
        report.first_wrong = first_wrong(best, candidate.layers)
        report.headline += f"; the first wrong quantity is {report.first_wrong}" if report.first_wrong else ""
    return report


def _compared(candidate: Candidate, losses: list[dict[str, Any]], convention: Convention) -> dict[str, float]:
    """The worst τ of each tensor over all probes."""
    share = _allowed(candidate)
    pairs = (
        (
            loss["gradients"],
            {n: loss["bounds"][n] + share * np.max(abs(g), initial=0.0) for n, g in loss["gradients"].items()},
        )
        for loss in losses
    )
    return candidate.judge.worst(pairs, convention)


def _allowed(candidate: Candidate) -> float:
    """The error that is allowed beside that of the differences, as a share of a tensor's largest entry."""
    share = ROUNDED
    if candidate.dtype == "float32":  # no bound is derived for an unknown loss: 128 roundings of the largest
        share += 64 * float(np.finfo(np.float32).eps)
    if not candidate.source.float32 and any(0 < number <= EPSILON for number in candidate.source.literals):
        share += NEAR  # it moves logarithms and quotients by as much
    return share


# -- rules for a part of a network -------------------------------------------------------------------------------------

NOTHING = 1e-12
"""What counts as zero beside a probe's activations and slopes, which are near 1: a thousand roundings."""


def conclude_rule(target: str, answer: dict[str, Any]) -> Report:
    """The verdict on a torch.autograd.Function or jax.custom_vjp for a part of a network."""
    reports = [_of_case(target, case) for case in answer["cases"]]
    report = next((r for r in reports if r.verdict == WRONG), None) or next(
        (r for r in reports if r.verdict == UNKNOWN), reports[-1]
    )
    with_, *without = [", ".join(case["inputs"]) for case in reversed(answer["cases"])]
    tried = f"with {with_}" + (f", and with {without[0]} alone" if without else "")
    report.notes.insert(
        0, f"A {answer['rule']}, called {tried}, and compared with differences of its own forward pass."
    )
    missing = [name for case in answer["cases"] for name in case["missing"]]
    if missing:
        report.untested.append(f"a gradient for {', '.join(dict.fromkeys(missing))}, for which it returns none")
    return report


def _of_case(target: str, case: dict[str, Any]) -> Report:
    rows, words = [], []
    for tensor in case["tensors"]:
        gradient, expected = tensor["found"], tensor["expected"]
        tau = worst_tau(gradient, expected, tensor["bound"])
        rows.append(Row(f"∂{tensor['name']}", tensor["name"], tuple(gradient.shape), tau, absent=tensor["absent"]))
        if tau > 1:
            what = "is not returned" if tensor["absent"] else relation([(gradient, expected, 2)], "float64")
            words.append(f"the gradient of {tensor['name']} {what}")
    right = all(row.right for row in rows)
    report = Report(
        target,
        RIGHT if right else WRONG,
        "the rule is right for its forward pass" if right else "the rule does not fit its forward pass",
        evidence="; ".join(words),
        rows=rows,
        convention="rule",
        margin=max((row.tau for row in rows), default=0.0),
    )
    if right:
        return report
    if case["identity"] or not any(np.any(abs(t["expected"]) > t["bound"]) for t in case["tensors"]):
        report.verdict = UNKNOWN
        what = "the identity" if case["identity"] else "constant almost everywhere, so that its derivative is 0"
        report.headline = (
            f"cannot tell: the forward pass is {what}, and the rule gives another gradient, as a straight-through "
            "estimator, a gradient that is clipped or one that is reversed does on purpose"
        )
    elif case["ignores"]:
        report.mistakes = [Named.of(IGNORES_UPSTREAM)]
    elif "z" in case:
        report.mistakes = _slope_findings(case)
    if report.mistakes:
        report.headline = report.mistakes[0].title
    elif words and report.verdict == WRONG:
        report.headline += f": {words[0]}"
    return report


def _slope_findings(answer: dict[str, Any]) -> list[Named]:
    """The wrong slope of an element-by-element rule, as findings."""
    z, a, v, gradient = answer["z"], answer["a"], answer["cotangent"], answer["tensors"][0]["found"]
    activation = next((f for f in ("sigmoid", "tanh", "relu") if _same(FUNCTIONS[f](z), a)), "")
    findings = []
    for name, title, sentence, slopes in WRONG_SLOPES:
        if activation in slopes and _same(gradient, slopes[activation](Running(z), Running(a)).value * v):
            slope = SLOPE_FORMULAS[activation].format("")
            words = {"f": SYMBOL[activation], "where": "the rule", "slope": slope}
            equation = f"grad_input = grad_output ∘ {slope}"
            findings.append(Named(f"slope-{name}", title.format(**words), sentence.format(**words), equation))
    return findings


def _same(one: Array, other: Array) -> bool:
    return np.allclose(one, other, rtol=CLOSE["float64"], atol=NOTHING)
