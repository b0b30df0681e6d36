"""The two problems are exactly as described, at every batch and seed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from samegrad.impls.errors import BadInput
from samegrad.impls.problem import LINE, PROBLEMS, XOR, Problem, get_problem

BATCHES = st.integers(1, 1000)
SEEDS = st.integers(0, 2**32 - 1)


def test_line_starts_with_the_hundred_rows_of_many_a_tutorial():
    """Bit for bit those of `np.random.seed(42)`, `rand(100, 1)`, then `randn(100, 1)`."""
    state = np.random.get_state()
    try:
        np.random.seed(42)
        expected_x = np.random.rand(100, 1)
        expected_y = 2 * expected_x + 1 + 0.1 * np.random.randn(100, 1)
    finally:
        np.random.set_state(state)
    x, y = LINE.data(250, seed=42)
    assert x[:100].tobytes() == expected_x.tobytes()
    assert y[:100].tobytes() == expected_y.tobytes()


def test_line_goes_on_with_new_rows_of_the_same_line():
    """The second hundred is not the first again, and its noise is that of N(0, 0.1²)."""
    x, y = LINE.data(10_000)
    assert len(np.unique(x)) == 10_000
    noise = y - (2 * x + 1)
    # The mean of n normal numbers has the standard deviation σ/√n, their own standard deviation σ/√(2n): five of each.
    assert abs(noise.mean()) < 5 * 0.1 / 100
    assert abs(noise.std() - 0.1) < 5 * 0.1 / np.sqrt(20_000)


@given(seed=SEEDS)
def test_the_first_four_rows_of_xor_are_the_truth_table(seed):
    x, y = XOR.data(4, seed)
    assert x.tolist() == [[0, 0], [0, 1], [1, 0], [1, 1]]
    assert y.tolist() == [[0], [1], [1], [0]]


@given(batch=BATCHES, seed=SEEDS)
def test_every_row_of_xor_is_one_of_the_truth_table(batch, seed):
    x, y = XOR.data(batch, seed)
    assert set(np.unique(x)) <= {0.0, 1.0}
    assert y.tolist() == [[float(left != right)] for left, right in x]


@pytest.mark.parametrize("problem", PROBLEMS.values(), ids=PROBLEMS)
@settings(deadline=None)
@given(batch=BATCHES, larger=BATCHES, seed=SEEDS)
def test_a_batch_is_a_prefix_of_every_larger_one(problem, batch, larger, seed):
    """Bit for bit, in float64 and in the shapes that the network needs."""
    batch, larger = sorted((batch, larger))
    for small, large, width in zip(
        problem.data(batch, seed), problem.data(larger, seed), (problem.sizes[0], problem.sizes[-1]), strict=True
    ):
        assert small.dtype == np.float64
        assert small.shape == (batch, width)
        assert small.tobytes() == large[:batch].tobytes()


@pytest.mark.parametrize("problem", PROBLEMS.values(), ids=PROBLEMS)
def test_another_seed_gives_other_data_and_other_parameters(problem):
    assert not np.array_equal(problem.data(50, 1)[0], problem.data(50, 2)[0])
    assert not np.array_equal(problem.parameters(1)[0].W, problem.parameters(2)[0].W)


@pytest.mark.parametrize("batch", [0, -1, 2.5, 4.0, True, False, "4", None, float("nan"), np.float64(4)], ids=repr)
@pytest.mark.parametrize("problem", PROBLEMS.values(), ids=PROBLEMS)
def test_what_is_no_batch_is_refused(problem, batch):
    """The message shows what was found and says what is allowed."""
    with pytest.raises(BadInput) as refused:
        problem.data(batch)
    assert repr(batch) in str(refused.value)
    assert "a whole number of at least 1" in str(refused.value)
    assert "\n" not in str(refused.value)


def test_numpy_integers_are_batches_too():
    assert len(XOR.data(np.int64(7))[0]) == 7


@pytest.mark.parametrize("problem", PROBLEMS.values(), ids=PROBLEMS)
def test_initial_parameters_fit_and_no_bias_is_zero(problem):
    """A zero bias could be forgotten unseen."""
    parameters = problem.parameters()
    assert [W.shape for W, _ in parameters] == list(zip(problem.sizes, problem.sizes[1:], strict=False))
    assert all(b.shape == (W.shape[1],) and b.all() for W, b in parameters)
    doubled = problem.parameters(scale=2.0)
    assert all(np.array_equal(2 * W, W2) for (W, _), (W2, _) in zip(parameters, doubled, strict=True))


def test_an_unknown_problem_is_refused_with_the_nearest_name():
    with pytest.raises(BadInput, match=r"unknown problem 'xo'; allowed: xor, line\. Did you mean 'xor'\?"):
        get_problem("xo")


def test_a_network_needs_one_known_activation_for_each_layer():
    with pytest.raises(BadInput, match="2 layers, 1 activations"):
        Problem("p", (2, 4, 1), ("sigmoid",), XOR.rows)
    with pytest.raises(BadInput, match=r"unknown activation 'sigmiod'.*Did you mean 'sigmoid'"):
        Problem("p", (2, 1), ("sigmiod",), XOR.rows)


def test_a_cross_entropy_needs_its_own_activation_and_softmax_is_for_the_output():
    """ln a needs a in (0, 1); the derivative a − y is that of one pair of loss and activation."""
    for loss, right, wrong in (("binary cross-entropy", "sigmoid", "softmax"), ("cross-entropy", "softmax", "sigmoid")):
        assert Problem("p", (2, 3), (right,), XOR.rows, loss).loss == loss
        with pytest.raises(BadInput, match=f"the {loss} needs {right} in the last layer"):
            Problem("p", (2, 3), (wrong,), XOR.rows, loss)
    assert Problem("p", (2, 3), ("softmax",), XOR.rows).loss == "squared"
    with pytest.raises(BadInput, match="unknown activation 'softmax'"):
        Problem("p", (2, 3, 2), ("softmax", "softmax"), XOR.rows)
    with pytest.raises(BadInput, match="unknown loss 'crossentropy'"):
        Problem("p", (2, 3), ("softmax",), XOR.rows, "crossentropy")
