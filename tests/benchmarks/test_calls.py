"""What is timed of each pass, and that the same callable was held against the reference before."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.clock.calls import Asked, build
from benchmarks.clock.case import LEARNING_RATE, LOOP_STEPS
from impls.checking.agreement import Disagreement, Reference, worst_tau
from impls.implementation import LOOP, PASSES
from impls.numpy_manual import NumpyManual
from impls.problem import LINE, XOR


class Recording(NumpyManual):
    """Notes which of its operations are called, and with what."""

    def __init__(self):
        self.asked = []

    def forward(self):
        self.asked.append(("forward",))
        return super().forward()

    def value_and_grad(self):
        self.asked.append(("value_and_grad",))
        return super().value_and_grad()

    def train_step(self, learning_rate):
        self.asked.append(("train_step", learning_rate))
        return super().train_step(learning_rate)


def asked(pass_name, problem=XOR, batch=4, dtype="float64"):
    return Asked("mine", problem, problem.parameters(1), pass_name, batch, dtype, "cpu", 1)


def reference(of):
    return Reference(of.problem, of.parameters, *of.problem.data(of.batch, of.seed), of.dtype)


@pytest.mark.parametrize("pass_name", PASSES)
def test_a_pass_is_a_call_without_arguments(pass_name):
    call = build(Recording(), asked(pass_name))
    assert call.implementation.asked == []  # to build is not to call
    call.run()
    expected = ("train_step", LEARNING_RATE) if pass_name == "train_step" else (pass_name,)
    assert call.implementation.asked[0] == expected


@pytest.mark.parametrize("problem", [XOR, LINE])
@pytest.mark.parametrize("pass_name", [*PASSES, LOOP])
def test_the_result_of_the_timed_call_is_held_against_the_reference(pass_name, problem):
    case = asked(pass_name, problem)
    call = build(NumpyManual(), case)
    assert worst_tau(call.agreements(call.run(), reference(case))) <= 1


@pytest.mark.parametrize("steps", [LOOP_STEPS - 1, LOOP_STEPS + 1])
def test_a_loop_of_one_step_too_many_or_too_few_is_found(steps):
    class Miscounting(NumpyManual):
        def train_loop(self, learning_rate, asked):
            return super().train_loop(learning_rate, steps if asked == LOOP_STEPS else asked)

    case = asked(LOOP)
    call = build(Miscounting(), case)
    with pytest.raises(Disagreement, match=rf"mine disagrees at xor {LOOP} .*after {LOOP_STEPS} steps"):
        call.agreements(call.run(), reference(case))


def test_a_loop_is_checked_to_the_bound_in_its_first_step():
    class Sloppy(NumpyManual):
        def train_loop(self, learning_rate, steps):
            loss, parameters = super().train_loop(learning_rate, steps)
            return loss, [(W + 1e-9, b) for W, b in parameters]

    case = asked(LOOP)
    call = build(Sloppy(), case)
    assert worst_tau(call.agreements(call.run(), reference(case))) > 1
    assert np.isfinite(call.run()[0])
