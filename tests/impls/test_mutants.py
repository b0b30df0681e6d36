"""The bank of mistakes, and the numbers that carry their own bound."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from impls import parameters
from impls.checking.bound import running_bound
from impls.checking.oracle import evaluate
from impls.errors import BadInput
from impls.parameters import tensors
from impls.problem import Problem
from impls.verifying import mutants, probe
from impls.verifying.mistakes import bank
from impls.verifying.mutants import Steps, pairs
from impls.verifying.running import Running

NETS = [("sigmoid", "sigmoid"), ("tanh", "identity"), ("relu", "sigmoid"), ("identity",), ("tanh", "tanh", "sigmoid")]


def case(activations, batch=7, seed=0, outputs=3):
    sizes = probe.general_sizes(len(activations))
    return probe.make((*sizes[:-1], outputs), batch, seed, [True] * len(activations))


floats = arrays(np.float64, (3, 3), elements=st.floats(-10, 10, width=32))


@settings(max_examples=50, deadline=None)
@given(floats, floats)
def test_the_bound_of_running_numbers_holds_the_float32_error(x, y):
    """What float32 computes is within the bound of what float64 computes from the same numbers."""
    a, b = Running(x, 0.0, "float32"), Running(y, 0.0, "float32")
    with np.errstate(all="ignore"):
        pairs_of = [
            ((a * b) @ (a + b), (x.astype("f4") * y.astype("f4")) @ (x.astype("f4") + y.astype("f4"))),
            ((a - b).sum(axis=0), (x.astype("f4") - y.astype("f4")).sum(axis=0)),
            ((a @ b).sigmoid(), 1 / (1 + np.exp(-(x.astype("f4") @ y.astype("f4"))))),
            ((a @ b).tanh(), np.tanh(x.astype("f4") @ y.astype("f4"))),
        ]
    for bounded, computed in pairs_of:
        assert np.all(abs(computed.astype(np.float64) - bounded.value) <= bounded.error)


def test_a_running_number_does_not_claim_more_error_than_a_few_roundings():
    """The bound is tight: for one product it is two units in the last place."""
    product = Running(np.array([3.0])) * Running(np.array([0.1]))
    assert product.error[0] <= 2 * np.spacing(0.3)


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(NETS),
    st.lists(st.integers(1, 6), min_size=4, max_size=4),
    st.integers(1, 9),
    st.integers(0, 1000),
    st.sampled_from([0.1, 1.0, 3.0]),
)
def test_the_pass_without_a_mistake_is_right(activations, sizes, batch, seed, scale):
    """The bank's own backward pass agrees with the oracle, within the bound of the two."""
    sizes = tuple(sizes[: len(activations) + 1])
    layers = parameters.initial(sizes, seed, scale)
    rng = np.random.default_rng(seed)
    x, y = rng.standard_normal((batch, sizes[0])), rng.random((batch, sizes[-1]))
    problem = Problem("p", sizes, activations, lambda n, s: (x, y))
    try:
        truth = tensors(evaluate(problem, layers, x, y).gradients)
        bounds = tensors(running_bound(problem, layers, x, y, "float64").gradients)
    except BadInput:
        assume(False)
    found = mutants.gradients(activations, layers, x, y, Steps())
    for name, gradient in found.items():
        assert np.all(abs(gradient.value - truth[name]) <= bounds[name])
        assert np.all(abs(gradient.value - truth[name]) <= gradient.error)


@pytest.mark.parametrize("activations", NETS, ids="-".join)
def test_every_mistake_changes_the_gradient_somewhere(activations):
    """No entry of the bank is right code: it differs from the right pass at the probe, by more than its bound."""
    data = case(activations, outputs=1)
    right = mutants.gradients(activations, *data, Steps())
    for mistake in bank(activations):
        found = mutants.gradients(activations, *data, mistake.steps(), rate=probe.RATE)
        if found is None:  # its shapes only fit where the rows are as many as the units
            continue
        if mistake.name in ("back-reshaped-weights", f"W{len(activations)}-reshaped", f"b{len(activations)}-scalar"):
            continue  # the same thing for one output, so no mistake here
        if mistake.name == "back-without-slope" and activations[1] == "identity":
            continue  # the slope of the layer above is 1
        assert any(
            found[n].shape != right[n].shape or np.any(abs(found[n].value - right[n].value) > 10 * found[n].error)
            for n in right
        ), mistake.name


@pytest.mark.parametrize("activations", NETS, ids="-".join)
def test_names_are_unique_and_every_mistake_says_what_should_stand_there(activations):
    every = bank(activations)
    assert len({mistake.name for mistake in every}) == len(every)
    for mistake in every:
        assert mistake.title and mistake.sentence.endswith((".", ")")) and mistake.equation, mistake.name
        assert "{" not in mistake.title + mistake.sentence + mistake.equation, mistake.name


def test_the_table_of_mistakes_is_in_the_bank():
    """Every mistake of the project's table has an entry (conventions and repeated calls are judged elsewhere)."""
    names = {mistake.name for mistake in bank(("sigmoid", "sigmoid"))}
    assert names >= {
        "sign", "b1-missing", "b2-missing", "biases-missing", "biases-averaged", "b1-averaged", "b1-wrong-axis",
        "b1-scalar", "W1-reshaped", "W2-input-untransposed", "back-updated-first", "back-without-weights",
        "slope-none-hidden", "slope-of-z-hidden", "slope-of-a-hidden", "slope-none-output", "flat-target",
        "last-row-only", "rate-folded-in", "back-elementwise-weights", "weights-transposed",
    }  # fmt: skip


def test_a_mistake_that_numpy_would_refuse_is_not_made():
    mistake = next(m for m in bank(("sigmoid", "sigmoid")) if m.name == "W2-input-untransposed")
    assert mutants.gradients(("sigmoid", "sigmoid"), *case(("sigmoid", "sigmoid")), mistake.steps()) is None


def test_pairs_concern_two_different_steps():
    singles = bank(("sigmoid", "sigmoid"))
    found = list(pairs(singles))
    assert len(found) > 500
    for pair in found[::97]:
        one, other = pair.parts
        assert not set(one.changes) & set(other.changes)
        assert set(pair.changes) == set(one.changes) | set(other.changes)


def test_row_by_row_updates_are_one_update_for_one_row_and_more_for_more():
    """With one row there is nothing to tell apart; with two, the second is taken at the moved weights."""
    activations = ("sigmoid", "sigmoid")
    for batch, same in ((1, True), (2, False)):
        layers, x, y = case(activations, batch)
        together = mutants.gradients(activations, layers, x, y, Steps(), factor=float(batch))
        in_turn = mutants.row_by_row(activations, layers, x, y, Steps(), rate=0.375)
        gap = max(np.max(abs(together[n].value - in_turn[n].value) - in_turn[n].error) for n in together)
        assert (gap <= 0) == same


def test_row_by_row_is_what_a_loop_does():
    activations, rate = ("tanh", "identity"), 0.25
    layers, x, y = case(activations, 3)
    (W1, b1), (W2, b2) = [[t.copy() for t in layer] for layer in layers]
    for row, target in zip(x, y, strict=True):
        h = np.tanh(row @ W1 + b1)
        d2 = 2 / 3 * (h @ W2 + b2 - target)
        d1 = W2 @ d2 * (1 - h**2)
        W2 -= rate * np.outer(h, d2)
        b2 -= rate * d2
        W1 -= rate * np.outer(row, d1)
        b1 -= rate * d1
    found = mutants.row_by_row(activations, layers, x, y, Steps(), rate=rate)
    for name, before, after in (("W1", layers[0].W, W1), ("b2", layers[1].b, b2)):
        assert np.all(abs(found[name].value - (before - after) / rate) <= found[name].error + 1e-15)
