"""The hand-derived passes are right for any network, quiet at any scale, and leave alone what they returned."""

from __future__ import annotations

import tracemalloc
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from samegrad.impls.checking.agreement import Reference, require, worst_tau
from samegrad.impls.errors import Unavailable
from samegrad.impls.on_numpy.manual import NumpyManual
from samegrad.impls.parameters import Layer, tensors
from samegrad.impls.problem import ACTIVATIONS, DTYPES, LINE, PROBLEMS, XOR, Problem
from samegrad.impls.task import Task

RATE = 0.25


def rows(sizes):
    """Normal inputs and targets for a network of any sizes."""

    def draw(batch, seed):
        rng = np.random.default_rng(seed)
        return rng.standard_normal((batch, sizes[0])), rng.standard_normal((batch, sizes[-1]))

    return draw


@st.composite
def networks(draw, activations=ACTIVATIONS):
    """Networks of one to four layers, up to six units wide."""
    sizes = tuple(draw(st.lists(st.integers(1, 6), min_size=2, max_size=5)))
    chosen = tuple(draw(st.sampled_from(activations)) for _ in sizes[1:])
    return Problem("drawn", sizes, chosen, rows(sizes))


def prepared(problem, batch=4, dtype="float32", scale=1.0, seed=42):
    subject = NumpyManual()
    subject.prepare(Task(problem, problem.parameters(seed, scale), batch, dtype, seed=seed))
    return subject


@settings(max_examples=200, deadline=None, derandomize=True)
@given(
    problem=networks(),
    batch=st.integers(1, 40),
    dtype=st.sampled_from(DTYPES),
    scale=st.sampled_from([0.01, 0.1, 1.0, 3.0, 10.0]),
    seed=st.integers(0, 1000),
)
def test_every_pass_of_every_network_agrees_with_the_oracle(problem, batch, dtype, scale, seed):
    """Every element of predictions, loss, gradients and stepped parameters within its rounding bound."""
    subject = prepared(problem, batch, dtype, scale, seed)
    reference = Reference(problem, problem.parameters(seed, scale), *problem.data(batch, seed), dtype)
    for pass_name, result in (
        ("forward", subject.to_numpy(subject.forward())),
        ("value_and_grad", subject.to_numpy(subject.value_and_grad())),
        ("train_step", subject.to_numpy(subject.train_step(RATE))),
    ):
        agreements = reference.agree(pass_name, result, learning_rate=RATE)
        require(agreements, implementation="numpy", case=f"{problem} {pass_name}")
        assert worst_tau(agreements) <= 1


@settings(max_examples=100, deadline=None, derandomize=True)
@given(
    problem=networks(activations=("sigmoid", "tanh")),
    dtype=st.sampled_from(DTYPES),
    exponent=st.integers(-40, 35),
    seed=st.integers(0, 1000),
)
def test_saturating_units_never_warn_at_any_scale(problem, dtype, exponent, seed):
    """Weights from 10⁻⁴⁰ to 10³⁵, which is near the largest float32; results stay finite."""
    with warnings.catch_warnings(), np.errstate(over="warn", divide="warn", invalid="warn"):
        warnings.simplefilter("error")
        subject = prepared(problem, 5, dtype, 10.0**exponent, seed)
        predictions = subject.to_numpy(subject.forward())
        loss, gradients = subject.to_numpy(subject.value_and_grad())
    assert np.isfinite(predictions).all() and np.isfinite(loss)
    assert all(np.isfinite(tensor).all() for tensor in tensors(gradients).values())


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_sigmoid_keeps_its_slope_where_it_is_saturated(dtype):
    """At z = 30 the slope is e⁻³⁰; computed as a·(1 − a), a float32 would have none left."""
    unit = Problem("unit", (1, 1), ("sigmoid",), lambda batch, seed: (np.ones((1, 1)), np.zeros((1, 1))))
    subject = NumpyManual()
    subject.prepare(Task(unit, [Layer(np.full((1, 1), 30.0), np.zeros(1))], 1, dtype))
    _, [(dW, db)] = subject.to_numpy(subject.value_and_grad())
    t = np.exp(-30.0)
    # ∂L/∂z = 2a · a(1 − a) with a = 1/(1 + t): fewer than ten operations, each rounded once.
    assert np.allclose([dW[0, 0], db[0]], 2 * t / (1 + t) ** 3, rtol=10 * np.finfo(dtype).eps / 2, atol=0)


@pytest.mark.parametrize("problem", PROBLEMS.values(), ids=PROBLEMS)
def test_repeating_gives_the_same_bits(problem):
    """Nothing accumulates and nothing is updated by forward or value_and_grad."""
    subject = prepared(problem)
    loss, gradients = subject.to_numpy(subject.value_and_grad())
    for _ in range(3):
        subject.forward()
        again, gradients_again = subject.to_numpy(subject.value_and_grad())
        assert again == loss
        for name, tensor in tensors(gradients_again).items():
            assert tensor.tobytes() == tensors(gradients)[name].tobytes()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("problem", PROBLEMS.values(), ids=PROBLEMS)
def test_a_training_step_updates_once(problem, dtype):
    """p − rate · ∂L/∂p, to the bit, with the loss of before; the next gradient is that of the new parameters."""
    subject = prepared(problem, dtype=dtype)
    loss, gradients = subject.to_numpy(subject.value_and_grad())
    before = [Layer(layer.W.copy(), layer.b.copy()) for layer in subject.layers]
    output, after = subject.to_numpy(subject.train_step(RATE))
    assert output == loss
    rate = np.dtype(dtype).type(RATE)
    for old, gradient, new in zip(before, gradients, after, strict=True):
        for p, g, q in zip(old, gradient, new, strict=True):
            assert q.dtype == dtype
            assert q.tobytes() == (p - rate * g).tobytes()
    moved = Reference(problem, after, *problem.data(4), dtype)
    assert worst_tau(moved.agree("value_and_grad", subject.to_numpy(subject.value_and_grad()))) <= 1


@pytest.mark.parametrize("problem", PROBLEMS.values(), ids=PROBLEMS)
def test_the_given_parameters_are_not_touched(problem):
    """Training one instance changes neither the caller's parameters nor another instance."""
    parameters = problem.parameters()
    one, other = NumpyManual(), NumpyManual()
    for subject in (one, other):
        subject.prepare(Task(problem, parameters, 4, "float64"))
    expected = other.to_numpy(other.forward())
    for _ in range(5):
        one.train_step(RATE)
    assert all(
        np.array_equal(tensor, tensors(problem.parameters())[name]) for name, tensor in tensors(parameters).items()
    )
    assert np.array_equal(other.to_numpy(other.forward()), expected)


@pytest.mark.parametrize("pass_name", ["forward", "value_and_grad", "train_step"])
def test_what_was_converted_does_not_change_under_later_calls(pass_name):
    """The passes work in buffers of their own; to_numpy hands out copies."""
    subject = prepared(XOR)

    def call():
        return subject.train_step(RATE) if pass_name == "train_step" else getattr(subject, pass_name)()

    converted = subject.to_numpy(call())
    flat = [converted] if pass_name == "forward" else [converted[0], *tensors(converted[1]).values()]
    kept = [np.array(tensor) for tensor in flat]
    for _ in range(3):
        subject.train_step(RATE)
        call()
    assert all(np.array_equal(tensor, before) for tensor, before in zip(flat, kept, strict=True))


def test_gradients_do_not_alias_between_calls():
    """The gradients themselves are new arrays at every call, unlike the buffers between."""
    subject = prepared(XOR)
    _, first = subject.value_and_grad()
    _, second = subject.value_and_grad()
    assert not any(
        np.shares_memory(one, other)
        for one in tensors(first).values()
        for other in (*tensors(second).values(), *(layer.W for layer in subject.layers))
    )


def test_preparing_again_starts_anew():
    """Another problem, batch and dtype in the same instance."""
    subject = prepared(XOR, 7, "float64")
    subject.train_step(RATE)
    subject.prepare(Task(LINE, LINE.parameters(1), 3, "float32"))
    predictions = subject.to_numpy(subject.forward())
    assert predictions.shape == (3, 1) and predictions.dtype == np.float32
    reference = Reference(LINE, LINE.parameters(1), *LINE.data(3), "float32")
    assert worst_tau(reference.agree("forward", predictions)) <= 1


@pytest.mark.parametrize("dtype", DTYPES)
def test_every_buffer_and_constant_is_of_the_dtype(dtype):
    """Nothing is computed in another dtype on the way and rounded afterwards."""
    activations = Problem("all", (2, 3, 3, 3, 1), ("sigmoid", "tanh", "relu", "identity"), rows((2, 1)))
    subject = prepared(activations, dtype=dtype)
    subject.train_step(RATE)
    holders = [subject, *subject.layers, *(layer.f for layer in subject.layers)]
    kept = [
        value for holder in holders for value in vars(holder).values() if isinstance(value, np.ndarray | np.generic)
    ]
    assert len(kept) > 30 and {value.dtype for value in kept} == {np.dtype(dtype)}


@pytest.mark.parametrize("activation", ["sigmoid", "relu", "identity"])
def test_no_array_of_the_batch_is_made_by_a_call(activation):
    """The intermediates live in arrays made once: a call allocates less than one number for each row."""
    unit = Problem("unit", (1, 1), (activation,), rows((1, 1)))
    subject = prepared(unit, batch=10_000)
    for call in (subject.forward, subject.value_and_grad, lambda: subject.train_step(RATE)):
        call()
        tracemalloc.start()
        call()
        _, peak_bytes = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak_bytes < 10_000 * 4


def test_what_is_fed_takes_the_place_of_the_data():
    """Other rows of as many; targets that are not given stay as they were."""
    subject = prepared(XOR, batch=7, dtype="float64")
    x, y = np.full((7, 2), 0.25), np.full((7, 1), 0.75)
    own = subject.y.copy()
    for targets, expected in ((None, own), (y, y)):
        subject.feed(x, targets)
        reference = Reference(XOR, XOR.parameters(42), x, expected, "float64")
        assert worst_tau(reference.agree("value_and_grad", subject.to_numpy(subject.value_and_grad()))) <= 1
        assert worst_tau(reference.agree("forward", subject.to_numpy(subject.forward()))) <= 1


def test_float32_is_what_nothing_else_is_asked_for():
    subject = NumpyManual()
    subject.prepare(Task(XOR, XOR.parameters(), 4))
    assert subject.forward().dtype == np.float32


def test_parameters_of_another_network_are_no_network():
    with pytest.raises(ValueError):
        NumpyManual().prepare(Task(XOR, LINE.parameters(), 4))


def test_there_is_no_gpu_for_numpy():
    with pytest.raises(Unavailable) as reason:
        NumpyManual().prepare(Task(XOR, XOR.parameters(), 4, device="gpu"))
    assert str(reason.value) == "numpy computes on the CPU only; device 'gpu' needs another implementation"
