"""Hand-written rules of frameworks: with and without what is optional, and what is done on purpose."""

from __future__ import annotations

import pytest

from samegrad.impls.verifying.verify import run

pytestmark = pytest.mark.usefixtures("in_this_process")

LINEAR = """
import torch

class Linear(torch.autograd.Function):
    @staticmethod
    def forward(ctx, input, weight, bias=None):
        ctx.save_for_backward(input, weight, bias)
        output = input @ weight.t()
        return output if bias is None else output + bias

    @staticmethod
    def backward(ctx, upstream):
        input, weight, bias = ctx.saved_tensors
        grad_input, grad_weight, grad_bias = upstream @ weight, upstream.t() @ input, None
        if bias is not None:
            grad_bias = upstream.sum(0)
        return grad_input, grad_weight, grad_bias
"""
UNARY = """
import torch

class Rule(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return FORWARD

    @staticmethod
    def backward(ctx, upstream):
        (x,) = ctx.saved_tensors
        return BACKWARD
"""


@pytest.fixture(autouse=True)
def torch():
    return pytest.importorskip("torch")


def rule(program, forward, backward):
    return run(program(UNARY.replace("FORWARD", forward).replace("BACKWARD", backward), "Rule"))


@pytest.mark.slow
def test_an_optional_input_is_given_and_left_out(program):
    report = run(program(LINEAR, "Linear"))
    assert report.verdict == "right"
    assert any("with input, weight, bias, and with input, weight alone" in note for note in report.notes)
    assert {row.name for row in report.rows} == {"input", "weight", "bias"} or len(report.rows) == 2


@pytest.mark.parametrize(
    ("old", "new", "tensor"),
    [
        ("upstream.sum(0)", "upstream.mean(0)", "bias"),  # shows only where the optional input is given
        ("upstream.sum(0)", "None", "bias"),
        ("upstream @ weight, upstream", "upstream @ weight * (1 if bias is not None else 2), upstream", "input"),
        ("upstream.t() @ input, None", "None, None", "weight"),
    ],
    ids=["a mean of the bias", "none for the bias", "only without the bias", "none for the weight"],
)
def test_a_mistake_in_either_case_is_found(program, old, new, tensor):
    report = run(program(LINEAR.replace(old, new), "Linear"))
    assert report.verdict == "wrong" and tensor in report.evidence
    assert [row.name for row in report.rows if not row.right] == [tensor]
    if new.startswith("None"):
        assert "is not returned" in report.evidence and any(row.absent for row in report.rows)


@pytest.mark.parametrize(
    ("forward", "backward"),
    [
        ("x.clamp(min=0)", "upstream * (x > 0)"),
        ("torch.tanh(x)", "upstream * (1 - torch.tanh(x) ** 2)"),
        ("x ** 3", "3 * x ** 2 * upstream"),
    ],
)
def test_a_right_rule_of_one_input_is_right(program, forward, backward):
    assert rule(program, forward, backward).verdict == "right"


@pytest.mark.parametrize(
    ("forward", "backward"),
    [
        ("x.clone()", "-upstream"),  # reversed
        ("x.clone()", "upstream.clamp(-0.1, 0.1)"),  # clipped
        ("torch.sign(x)", "upstream"),  # straight through
        ("torch.round(x)", "upstream * (x.abs() < 1)"),
    ],
    ids=["reversal", "clipping", "sign", "rounding"],
)
def test_what_is_done_on_purpose_is_not_accused(program, forward, backward):
    report = rule(program, forward, backward)
    assert report.verdict == "cannot tell" and "on purpose" in report.headline


def test_a_rule_that_ignores_what_comes_from_above_is_named(program):
    report = rule(program, "x ** 2", "2 * x")
    assert report.verdict == "wrong" and report.mistakes[0].name == "upstream-ignored"
    assert rule(program, "x ** 2", "2 * x * upstream").verdict == "right"


def test_a_wrong_slope_is_named(program):
    report = rule(program, "torch.sigmoid(x)", "upstream * x * (1 - x)")
    assert report.verdict == "wrong" and report.mistakes[0].name == "slope-of-z"
