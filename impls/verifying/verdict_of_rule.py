"""The verdict on a hand-written rule for a part of a network: torch.autograd.Function, jax.custom_vjp."""

from __future__ import annotations

import numpy as np

from impls.parameters import Array
from impls.verifying.evidence import CLOSE, relation
from impls.verifying.mutants import Place
from impls.verifying.report import RIGHT, WRONG, Finding, Report, Row
from impls.verifying.running import Running
from impls.verifying.slopes import WRONG_SLOPES
from impls.verifying.wording import SLOPE_FORMULAS


def conclude_rule(target: str, answer) -> Report:
    """A torch.autograd.Function or jax.custom_vjp for a part of a network."""
    rows, words = [], []
    for tensor in answer["tensors"]:
        found, expected = tensor["found"], tensor["expected"]
        same = found.shape == expected.shape
        tau = float(np.max(abs(found - expected) / tensor["bound"])) if same else float("inf")
        rows.append(Row(f"∂{tensor['name']}", tensor["name"], tuple(found.shape), tau))
        if tau > 1:
            words.append(f"the gradient of {tensor['name']} {relation([(found, expected, 2)], 'float64')}")
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
    report.notes.append(f"A {answer['rule']}, held against extrapolated differences of its own forward pass.")
    if not right and "z" in answer:
        report.findings = _slope_findings(answer)
        if report.findings:
            report.headline = report.findings[0].title
    return report


def _slope_findings(answer) -> list[Finding]:
    """Which wrong slope an element-by-element rule has."""
    z, a, v, found = answer["z"], answer["a"], answer["cotangent"], answer["tensors"][0]["found"]
    forms = {"sigmoid": 1 / (1 + np.exp(-z)), "tanh": np.tanh(z), "relu": np.maximum(z, 0)}
    activation = next((f for f, value in forms.items() if _same(value, a)), None)
    findings = []
    for name, title, sentence, slopes in WRONG_SLOPES if activation else ():
        if activation not in slopes:
            continue
        one = Running(z), Running(a)
        place = Place(1, 1, activation, one[0], one[0], one[1], one[0], one[0], one[0], 1.0)
        expected = slopes[activation](place).value * v
        if _same(found, expected):
            slope = SLOPE_FORMULAS[activation].format("")
            words = {"f": {"sigmoid": "σ"}.get(activation, activation), "where": "the rule", "more": "", "slope": slope}
            equation = f"grad_input = grad_output ∘ {slope}"
            findings.append(Finding(f"slope-{name}", title.format(**words), sentence.format(**words), equation))
    return findings


def _same(one: Array, other: Array) -> bool:
    """As the evidence has it; and what is below 1e-12 is 0 beside a probe's activations and slopes."""
    return np.allclose(one, other, rtol=CLOSE["float64"], atol=1e-12)
