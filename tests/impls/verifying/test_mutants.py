"""The bank of mistakes, and the numbers that carry their own bound."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from samegrad.impls import parameters
from samegrad.impls.checking.bound import running_bound
from samegrad.impls.checking.oracle import evaluate
from samegrad.impls.errors import BadInput
from samegrad.impls.parameters import tensors
from samegrad.impls.problem import BINARY_CROSS_ENTROPY, CROSS_ENTROPY, SQUARED, Problem
from samegrad.impls.verifying import mistakes, mutants, probe
from samegrad.impls.verifying.mistakes import bank
from samegrad.impls.verifying.mutants import BackwardSteps, pairs
from samegrad.impls.verifying.running import Running

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
    gradients = mutants.gradients(activations, layers, x, y, BackwardSteps())
    for name, gradient in gradients.items():
        assert np.all(abs(gradient.value - truth[name]) <= bounds[name])
        assert np.all(abs(gradient.value - truth[name]) <= gradient.error)


@pytest.mark.parametrize("activations", NETS, ids="-".join)
def test_every_mistake_changes_the_gradient_somewhere(activations):
    """No entry of the bank is right code: it differs from the right pass at the probe, by more than its bound."""
    data, m = case(activations, outputs=1), len(activations)
    last = f"-{m - 1}" if m > 2 else ""
    for mistake in bank(activations):
        loss = mistake.loss or SQUARED
        right = mutants.gradients(activations, *data, BackwardSteps(), loss=loss)
        gradients = mutants.gradients(activations, *data, mistake.steps(), rate=probe.RATE, loss=loss)
        if gradients is None:  # its shapes only fit where the rows are as many as the units
            continue
        if mistake.name in (f"back-reshaped-weights{last}", f"W{m}-reshaped", f"b{m}-scalar"):
            continue  # the same thing for one output, so no mistake here
        if mistake.name == "back-without-slope" and activations[1] == "identity":
            continue  # the slope of the layer above is 1
        assert any(
            gradients[n].shape != right[n].shape
            or np.any(abs(gradients[n].value - right[n].value) > 10 * gradients[n].error)
            for n in right
        ), mistake.name


@pytest.mark.parametrize("activations", NETS, ids="-".join)
def test_names_are_unique_and_every_mistake_has_the_right_equation(activations):
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
    actual = list(pairs(singles))
    assert len(actual) > 500
    for pair in actual[::97]:
        one, other = pair.parts
        assert not set(one.changes) & set(other.changes)
        assert set(pair.changes) == set(one.changes) | set(other.changes)


def test_a_pair_says_both():
    one, other = (m for m in bank(("sigmoid", "sigmoid")) if m.name in ("b1-missing", "back-updated-first"))
    (both,) = pairs([one, other])
    assert both.name == "b1-missing+back-updated-first"
    assert both.title == f"{one.title}, and {other.title}"
    assert both.sentence == f"{one.sentence} Also: {other.sentence}"
    assert both.equation == f"{one.equation}\n{other.equation}"
    assert both.changes == {**one.changes, **other.changes} and both.parts == (one, other)
    assert one.proportional and not other.proportional and not both.proportional
    sign = next(m for m in bank(("sigmoid",)) if m.name == "sign")
    assert next(pairs([one, sign])).proportional


@pytest.mark.parametrize("name", ["back-updated-first", "rate-folded-in", "averaged-twice", "W2-from-z", "sign"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_mistaken_pass_is_what_a_loop_with_that_mistake_does(name, dtype):
    """Learning rate, rows, z before the layer and the factor of the loss all reach the step that needs them."""
    (W1, b1), (W2, b2) = layers = case(("tanh", "sigmoid"))[0]
    _, x, y = case(("tanh", "sigmoid"))
    mistake = next(m for m in bank(("tanh", "sigmoid")) if m.name == name)
    gradients = mutants.gradients(
        ("tanh", "sigmoid"), layers, x, y, mistake.steps(), factor=1.5, rate=0.25, dtype=dtype
    )
    z1 = x @ W1 + b1
    a1 = np.tanh(z1)
    a2 = 1 / (1 + np.exp(-(a1 @ W2 + b2)))
    d2 = 1.5 * 2 / y.size * (a2 - y) * a2 * (1 - a2)
    dW2 = (z1 if name == "W2-from-z" else a1).T @ d2
    d1 = d2 @ (W2 - (0.25 * dW2 if name == "back-updated-first" else 0)).T * (1 - a1**2)
    scale = {"rate-folded-in": 0.25, "averaged-twice": 1 / len(x), "sign": -1}.get(name, 1)
    expected = {"W1": x.T @ d1, "b1": d1.sum(axis=0), "W2": dW2, "b2": d2.sum(axis=0)}
    assert list(gradients) == ["b2", "W2", "b1", "W1"]
    for tensor, g in expected.items():
        assert gradients[tensor].dtype == dtype
        assert np.all(abs(gradients[tensor].value - scale * g) <= gradients[tensor].error)
        u = np.finfo(dtype).eps  # some hundred roundings of sums of seven rows at most, and no less than one
        assert np.all(u * abs(gradients[tensor].value) / 2 <= gradients[tensor].error)
        assert np.all(gradients[tensor].error <= 1000 * u * np.max(abs(gradients[tensor].value)))


def test_a_place_knows_what_a_step_may_need():
    """Every step is handed the layer's number, its weights, z and a, those before it, the error and the rate."""
    layers, x, y = case(("tanh", "sigmoid"))
    seen = []
    steps = BackwardSteps(weight=lambda at, delta: seen.append(at) or BackwardSteps.weight(at, delta))
    mutants.gradients(("tanh", "sigmoid"), layers, x, y, steps, rate=0.25)
    output, hidden = seen
    z1 = x @ layers[0].W + layers[0].b
    a2 = 1 / (1 + np.exp(-(np.tanh(z1) @ layers[1].W + layers[1].b)))
    assert (output.ell, output.m, output.activation, output.rate) == (2, 2, "sigmoid", 0.25)
    assert (hidden.ell, hidden.m, hidden.activation, hidden.rate) == (1, 2, "tanh", 0.25)
    for place, tensors_of in (
        (output, {"W": layers[1].W, "a": a2, "a_before": np.tanh(z1), "z_before": z1, "error": 2 / y.size * (a2 - y)}),
        (hidden, {"W": layers[0].W, "z": z1, "a": np.tanh(z1), "a_before": x, "z_before": x}),
    ):
        for name, value in tensors_of.items():
            running = getattr(place, name)
            assert np.all(abs(running.value - value) <= running.error + 1e-15), name


def test_only_what_numpy_would_refuse_is_no_mistake():
    """A shape or an index that does not fit; any other error in a step is an error of the bank's, and shows."""
    data = case(("sigmoid",))
    for refused in (ValueError, IndexError):
        assert mutants.gradients(("sigmoid",), *data, BackwardSteps(weight=raising(refused))) is None
    with pytest.raises(KeyError):
        mutants.gradients(("sigmoid",), *data, BackwardSteps(weight=raising(KeyError)))
    assert mutants.gradients(("sigmoid", "sigmoid"), *data, BackwardSteps()) is None


def raising(error):
    def step(at, delta):
        raise error

    return step


def test_a_mistaken_pass_is_quiet_where_numbers_overflow():
    """Mistakes may blow numbers up; the bank says nothing of it."""
    layers, x, y = case(("identity", "identity"))
    huge = [parameters.Layer(1e200 * W, b) for W, b in layers]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert not np.isfinite(
            mutants.gradients(("identity", "identity"), huge, x, y, BackwardSteps())["W1"].value
        ).all()


def test_a_step_at_some_layers_is_the_usual_one_at_the_others():
    layers, x, y = case(("tanh", "tanh", "sigmoid"))
    right = mutants.gradients(("tanh", "tanh", "sigmoid"), layers, x, y, BackwardSteps())
    twice = mistakes.Kind(
        "", mistakes._network, "weight", lambda at, delta: 2.0 * BackwardSteps.weight(at, delta), "", "", "dW"
    )
    steps = twice.written(mistakes.Scope("", [1, 3]), ("tanh", "tanh", "sigmoid")).steps()
    gradients = mutants.gradients(("tanh", "tanh", "sigmoid"), layers, x, y, steps)
    for name, factor in (("W1", 2), ("W2", 1), ("W3", 2), ("b1", 1), ("b2", 1), ("b3", 1)):
        np.testing.assert_allclose(gradients[name].value, factor * right[name].value, rtol=4 * 2**-53)


def test_ones_are_exact_and_of_the_dtype():
    ones = mutants.ones(Running(np.zeros((2, 3)), 1.0, "float32"))
    assert np.array_equal(ones.value, np.ones((2, 3))) and not ones.error.any() and ones.dtype == "float32"


def test_row_by_row_updates_are_one_update_for_one_row_and_more_for_more():
    """With one row there is nothing to tell apart; with two, the second is taken at the moved weights."""
    activations = ("sigmoid", "sigmoid")
    for batch, same in ((1, True), (2, False)):
        layers, x, y = case(activations, batch)
        together = mutants.gradients(activations, layers, x, y, BackwardSteps(), factor=float(batch))
        in_turn = mutants.row_by_row(activations, layers, x, y, BackwardSteps(), rate=0.375)
        gap = max(np.max(abs(together[n].value - in_turn[n].value) - in_turn[n].error) for n in together)
        assert (gap <= 0) == same


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("order", [None, (2, 0, 1)], ids=["in turn", "shuffled"])
@pytest.mark.parametrize("folded", [False, True], ids=["right", "rate folded in"])
def test_row_by_row_is_what_a_loop_does(order, dtype, folded):
    """In the order of the rows or another, also with a mistake that involves the learning rate."""
    activations, rate = ("tanh", "identity"), 0.25
    layers, x, y = case(activations, 3)
    steps = next(m for m in bank(activations) if m.name == "rate-folded-in").steps() if folded else BackwardSteps()
    step = rate * rate if folded else rate
    (W1, b1), (W2, b2) = [[t.copy() for t in layer] for layer in layers]
    for index in order or range(3):
        row, target = x[index], y[index]
        h = np.tanh(row @ W1 + b1)
        d2 = 2 / 3 * (h @ W2 + b2 - target)
        d1 = W2 @ d2 * (1 - h**2)
        W2 -= step * np.outer(h, d2)
        b2 -= step * d2
        W1 -= step * np.outer(row, d1)
        b1 -= step * d1
    gradients = mutants.row_by_row(activations, layers, x, y, steps, rate=rate, dtype=dtype, order=order)
    after = {"W1": W1, "b1": b1, "W2": W2, "b2": b2}
    for name, before in tensors(layers).items():
        assert gradients[name].dtype == dtype
        assert np.all(abs(gradients[name].value - (before - after[name]) / rate) <= gradients[name].error + 1e-15)
        assert np.all(
            gradients[name].error >= np.finfo(dtype).eps * abs(gradients[name].value)
        )  # p − p′ is rounded, at least
        assert np.all(gradients[name].error <= 1000 * np.finfo(dtype).eps * (1 + np.max(abs(before))) / rate)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_an_update_row_by_row_is_no_surer_than_its_gradient(dtype):
    """Of parameters next to nothing, where subtracting them adds little: the gradient's own error is carried along."""
    layers, x, y = case(("identity",), 1)
    small = [parameters.Layer(1e-9 * W, 1e-9 * b) for W, b in layers]
    once = mutants.gradients(("identity",), small, x, y, BackwardSteps(), dtype=dtype)
    gradients = mutants.row_by_row(("identity",), small, x, y, BackwardSteps(), dtype=dtype)
    assert all(np.all(gradients[name].error >= once[name].error) for name in once)


def test_updates_at_a_rate_of_one_unless_another_is_given():
    layers, x, y = case(("sigmoid",), 2)
    folded = next(m for m in bank(("sigmoid",)) if m.name == "rate-folded-in").steps()
    for make in (mutants.gradients, mutants.row_by_row):
        actual, output = (make(("sigmoid",), layers, x, y, folded, **rate) for rate in ({}, {"rate": 1.0}))
        assert all(np.array_equal(actual[name].value, output[name].value) for name in output)


def test_row_by_row_is_refused_where_an_update_does_not_fit():
    """Neither what NumPy would refuse, nor a gradient of another shape than its parameter's, can be subtracted."""
    activations = ("sigmoid", "sigmoid")
    for name in ("W2-input-untransposed", "weights-transposed", "b1-wrong-axis"):
        steps = next(m for m in bank(activations) if m.name == name).steps()
        assert mutants.row_by_row(activations, *case(activations, 2), steps) is None


# Softmax and cross-entropies -----------------------------------------------------------------------------------------

SOFTMAXES = {
    "naive": lambda z: np.exp(z) / np.exp(z).sum(axis=1, keepdims=True),
    "shifted": lambda z: (
        np.exp(z - z.max(axis=1, keepdims=True)) / np.exp(z - z.max(axis=1, keepdims=True)).sum(1)[:, None]
    ),
    "by logarithms": lambda z: np.exp(z - np.logaddexp.reduce(z, axis=1, keepdims=True)),
}


@pytest.mark.parametrize("way", SOFTMAXES)
@settings(max_examples=40, deadline=None)
@given(floats, floats)
def test_the_bound_of_a_running_softmax_holds_the_float32_error(way, x, y):
    """Of a product that carries an error already, computed in three ways."""
    product = Running(x / 4, 0.0, "float32") @ Running(y / 4, 0.0, "float32")
    z = (x / 4).astype("f4") @ (y / 4).astype("f4")
    with np.errstate(all="ignore"):
        computed = SOFTMAXES[way](z).astype(np.float64)
    bounded = product.softmax()
    assert np.all(abs(computed - bounded.value) <= bounded.error)
    np.testing.assert_allclose(bounded.value.sum(axis=1), 1, rtol=8 * 2**-53)  # three terms, each rounded


def test_a_running_softmax_does_not_claim_more_error_than_some_roundings():
    """Of exact z of size 1: k + 8 roundings and the exponent's, each counted twice: less than 40 of each value."""
    z = Running(np.array([[0.5, -1.0, 1.0]]), 0.0, "float32")
    assert np.all(z.softmax().error <= 40 * 2**-24 * z.softmax().value)
    moved = Running(z.value, np.full(z.shape, 0.01), "float32").softmax()
    assert np.all(moved.error >= 0.01 * moved.value * (1 - moved.value))  # the slope a(1 − a) times what z may be off


@pytest.mark.parametrize(
    ("activations", "loss"),
    [
        (("tanh", "sigmoid"), BINARY_CROSS_ENTROPY),
        (("relu", "softmax"), CROSS_ENTROPY),
        (("tanh", "tanh", "softmax"), CROSS_ENTROPY),
        (("softmax",), SQUARED),
        (("sigmoid", "softmax"), SQUARED),
    ],
)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_pass_of_a_classifier_without_a_mistake_is_right(activations, loss, dtype):
    """The bank's own pass agrees with the oracle, within the bounds of either."""
    for seed in range(5):
        layers, x, y = case(activations, 5, seed)
        problem = Problem("p", probe.general_sizes(len(activations)), activations, lambda n, s, d=(x, y): d, loss)
        truth = tensors(evaluate(problem, layers, x, y).gradients)
        bounds = tensors(running_bound(problem, layers, x, y, dtype).gradients)
        gradients = mutants.gradients(activations, layers, x, y, BackwardSteps(), dtype=dtype, loss=loss)
        for name, gradient in gradients.items():
            assert np.all(abs(gradient.value - truth[name]) <= np.minimum(bounds[name], gradient.error))


def test_each_mistake_of_a_classifier_changes_the_gradient():
    """No entry of the bank is right code for the loss that it is of, or for either where it is of any."""
    for activations, other in ((("tanh", "sigmoid"), BINARY_CROSS_ENTROPY), (("tanh", "softmax"), CROSS_ENTROPY)):
        data = case(activations, 5)
        for mistake in bank(activations):
            for loss in [mistake.loss] if mistake.loss else [SQUARED, other]:
                if mistake.name == "back-without-slope" and loss != SQUARED:
                    continue  # cancelled by the loss's derivative: the error is the delta
                right = mutants.gradients(activations, *data, BackwardSteps(), loss=loss)
                gradients = mutants.gradients(activations, *data, mistake.steps(), rate=probe.RATE, loss=loss)
                assert gradients is None or any(
                    gradients[n].shape != right[n].shape
                    or np.any(abs(gradients[n].value - right[n].value) > 10 * gradients[n].error)
                    for n in right
                ), (mistake.name, loss)


def test_a_slope_is_forgotten_in_one_hidden_layer_of_several():
    """The bank reaches each of them: without it, the delta of that layer alone is without its slope."""
    activations = ("relu", "tanh", "identity")
    layers, x, y = case(activations, 5)
    for ell in (1, 2):
        mistake = next(m for m in bank(activations) if m.name == f"slope-none-{ell}")
        assert f"hidden layer {ell}" in mistake.title and mistake.loss == ""
        gradients = mutants.gradients(activations, layers, x, y, mistake.steps())
        right = mutants.gradients(activations, layers, x, y, BackwardSteps())
        changed = {n for n in right if np.any(abs(gradients[n].value - right[n].value) > 10 * gradients[n].error)}
        assert changed == {"W1", "b1", *(("W2", "b2") if ell == 2 else ())}


def test_a_pair_is_of_the_loss_of_its_parts():
    singles = {m.name: m for m in bank(("tanh", "sigmoid"))}
    (both,) = pairs([singles["b1-missing"], singles["slope-extra-output"]])
    assert both.loss == BINARY_CROSS_ENTROPY
    (both,) = pairs([singles["b1-missing"], singles["sign"]])
    assert both.loss == ""
