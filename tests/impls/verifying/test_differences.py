"""Differences: the derivative of a loss that is only known as a program."""

from __future__ import annotations

import numpy as np
import pytest

from samegrad.impls.verifying import differences


def test_the_complex_step_is_taken_where_it_can_be_and_is_exact():
    theta = np.array([0.3, -1.2])
    derivative = differences.derivative(lambda t: np.exp(t[0]) * np.sin(t[1]), theta)
    exact = np.exp(0.3) * np.array([np.sin(-1.2), np.cos(-1.2)])
    assert derivative.method == "complex step" and np.all(abs(derivative.gradient - exact) <= derivative.bound)
    assert np.all(derivative.bound <= 1e-13)


@pytest.mark.parametrize(
    "loss",
    [
        lambda t: abs(t[0]) ** 3 + t[1],
        lambda t: np.real(t[0]) ** 3 + np.real(t[1]),
        lambda t: t[0] ** 3 + np.real(t[1]),
    ],
    ids=["abs", "real only", "half of it real"],
)
def test_differences_take_over_where_the_loss_is_not_analytic(loss):
    """Also where the complex step runs and is silently wrong."""
    derivative = differences.derivative(loss, np.array([0.7, 0.2]))
    assert derivative.method == "differences"
    assert np.all(abs(derivative.gradient - [3 * 0.49, 1]) <= derivative.bound) and np.all(derivative.bound < 1e-9)


def test_the_bound_of_differences_is_honest_for_a_rough_loss():
    """With noise of 1e-10 in the loss, the error grows and the bound with it."""
    rng = np.random.default_rng(0)
    slope = differences.richardson(lambda t: np.sin(t[0]) + 1e-10 * rng.standard_normal(), np.array([0.5]))
    assert abs(slope.gradient[0] - np.cos(0.5)) <= slope.bound[0]


def test_a_kink_within_the_table_s_steps_is_not_extrapolated_beyond():
    """|w| a ten-thousandth from 0: every D of the table straddles the kink, and their errors look small."""
    slope = differences.richardson(lambda theta: np.sum(abs(theta)), np.array([1e-4, -3e-6, 0.5]))
    np.testing.assert_allclose(slope.gradient, [1, -1, 1], atol=1e-7)
    assert np.all(abs(slope.gradient - [1, -1, 1]) <= slope.bound)
