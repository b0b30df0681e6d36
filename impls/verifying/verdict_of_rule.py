"""The verdict on a hand-written rule for a part of a network: torch.autograd.Function, jax.custom_vjp."""

from __future__ import annotations

from typing import Any

import numpy as np

from samegrad.impls.parameters import Array
from samegrad.impls.verifying.evidence import CLOSE, relation
from samegrad.impls.verifying.forward import FUNCTIONS
from samegrad.impls.verifying.judge import worst_tau
from samegrad.impls.verifying.mistakes import IGNORES_UPSTREAM
from samegrad.impls.verifying.report import RIGHT, UNKNOWN, WRONG, Named, Report, Row
from samegrad.impls.verifying.running import Running
from samegrad.impls.verifying.slopes import WRONG_SLOPES
from samegrad.impls.verifying.wording import SLOPE_FORMULAS, SYMBOL

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
        if activation not in slopes:
            continue
        if _same(gradient, slopes[activation](Running(z), Running(a)).value * v):
            slope = SLOPE_FORMULAS[activation].format("")
            words = {"f": SYMBOL[activation], "where": "the rule", "slope": slope}
            equation = f"grad_input = grad_output ∘ {slope}"
            findings.append(Named(f"slope-{name}", title.format(**words), sentence.format(**words), equation))
    return findings


def _same(one: Array, other: Array) -> bool:
    return np.allclose(one, other, rtol=CLOSE["float64"], atol=NOTHING)
