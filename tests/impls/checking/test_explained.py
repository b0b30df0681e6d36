"""Numbers with fewer binary digits than their dtype has are recognised; right ones, and chance, are not."""

from __future__ import annotations

import numpy as np
import pytest

from samegrad.impls.checking.agreement import Reference
from samegrad.impls.checking.explained import _counted as counted
from samegrad.impls.checking.explained import _factors as factors
from samegrad.impls.checking.explained import few_digits
from samegrad.impls.checking.oracle import evaluate
from samegrad.impls.checking.probe import Probe
from samegrad.impls.parameters import Layer
from samegrad.impls.problem import PROBLEMS, XOR
from samegrad.impls.task import Task

RATE = 0.5


def right(problem, seed, dtype):
    return Reference(problem, problem.parameters(seed), *problem.data(7, seed), dtype)


def cut(tensor, digits):
    fraction, exponent = np.frexp(tensor)
    return np.ldexp(np.round(fraction * 2.0**digits) / 2.0**digits, exponent)


@pytest.mark.parametrize("problem", PROBLEMS.values(), ids=PROBLEMS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("is_step", [False, True])
def test_digits_that_are_cut_off_are_counted_and_right_ones_are_not_called_cut(problem, dtype, is_step):
    """Of gradients, and of those that a step must have taken, which its subtraction has rounded."""
    for seed in range(50):
        truth = right(problem, seed, dtype)
        for digits in (8, 11, {"float32": None, "float64": 24}[dtype], None):
            gradients = [Layer(*(cut(t, digits) if digits else t for t in layer)) for layer in truth.truth.gradients]
            actual = gradients
            if is_step:
                pairs = zip(truth.parameters, gradients, strict=True)
                actual = [Layer(*(p - RATE * g for p, g in zip(*pair, strict=True))) for pair in pairs]
            actual = [Layer(*(tensor.astype(dtype) for tensor in layer)) for layer in actual]
            words = few_digits(actual, truth, RATE if is_step else None)
            if digits is None:
                assert words == ""
            elif not (is_step and dtype == "float32"):  # there a small gradient leaves too few digits to see
                counted = int(words.removeprefix("gradients have ").split()[0])
                assert counted <= digits and (
                    counted == digits or problem is not XOR
                )  # two may end in a zero by chance


@pytest.mark.parametrize("value", [0.0, np.nan, np.inf])
def test_nothing_is_reported_on_the_digits_of_numbers_that_have_none(value):
    actual = [Layer(np.full_like(W, value), np.full_like(b, value)) for W, b in XOR.parameters()]
    assert few_digits(actual, right(XOR, 1, "float32")) == ""


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_rows_are_called_uncounted_from_one_on_only_where_it_is_those_that_are_missing(dtype):
    """One marked row that is left out, wherever, is taken for the last only where it is the last."""
    task = Task(XOR, XOR.parameters(1), 4096, dtype)
    x, y = (np.array(rows) for rows in task.data())
    probe = Probe(task, task.parameters, x, y, np.random.default_rng(3))
    marked = len(probe.marked)
    for left_out in (*range(0, marked, 7), marked - 2, marked - 1):
        _, _, lacking = evaluate(XOR, probe.parameters, *(np.delete(rows, left_out, 0) for rows in (probe.x, probe.y)))
        share = probe.share * (marked - 1) / marked
        gradients = [Layer(*(share * tensor for tensor in layer)) for layer in lacking]
        assert counted(gradients, probe) == (left_out if left_out == marked - 1 else None)
    for some in (1, marked // 3, marked - 5):
        assert counted(probe.of_first_marked(some)[1], probe) == some


def test_a_factor_is_named_only_where_every_wrong_tensor_has_one():
    """Rows that are left out give one tensor a common factor now and then; a factor on one tensor is named."""
    task = Task(XOR, XOR.parameters(1), 4096, "float32")
    x, y = (np.array(rows) for rows in task.data())
    probe = Probe(task, task.parameters, x, y, np.random.default_rng(3))
    marked, random = len(probe.marked), np.random.default_rng(4)
    for _ in range(400):
        left_out = random.choice(marked, random.integers(1, 6), replace=False)
        _, _, lacking = evaluate(XOR, probe.parameters, *(np.delete(rows, left_out, 0) for rows in (probe.x, probe.y)))
        share = probe.share * (marked - len(left_out)) / marked
        assert factors([Layer(*(share * tensor for tensor in layer)) for layer in lacking], probe.truth.gradients) == ""
    (W, b), *others = probe.truth.gradients
    assert factors([Layer(1.001 * W, b), *others], probe.truth.gradients) == "W1: 1.001"
    assert factors([Layer(1.01 * W, 1.01 * b), *others], probe.truth.gradients) == "W1: 1.01, b1: 1.01"
