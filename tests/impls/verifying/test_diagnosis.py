"""Diagnosis: right code is never called wrong, and a planted mistake is named."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from samegrad.impls import parameters
from samegrad.impls.errors import BadInput
from samegrad.impls.parameters import Layer, rounded
from samegrad.impls.problem import BINARY_CROSS_ENTROPY, CROSS_ENTROPY, PARTNERS, SQUARED
from samegrad.impls.verifying import mutants, probe
from samegrad.impls.verifying.conventions import BY_NAME, CONVENTIONS, MSE
from samegrad.impls.verifying.diagnosis import diagnose, diagnose_row_by_row, first_wrong
from samegrad.impls.verifying.forward import candidates
from samegrad.impls.verifying.judge import Observation
from samegrad.impls.verifying.mistakes import bank
from samegrad.impls.verifying.mutants import BackwardSteps
from samegrad.impls.verifying.wording import output_cotangent
from samegrad.impls.verifying.writing import describe

SIGMOIDS = ("sigmoid", "sigmoid")
NETS = [SIGMOIDS, ("tanh", "identity"), ("relu", "sigmoid"), ("sigmoid",), ("tanh", "tanh", "sigmoid")]


def softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def plain_pass(layers, activations, x, y, factor, loss=SQUARED):
    """A right backward pass as people write it, with a(1 − a), and a − y for a cross-entropy."""
    functions = {
        "softmax": softmax,
        "sigmoid": lambda z: 1 / (1 + np.exp(-z)),
        "tanh": np.tanh,
        "relu": lambda z: np.maximum(z, 0),
        "identity": lambda z: z,
    }
    slopes = {
        "sigmoid": lambda a: a * (1 - a),
        "tanh": lambda a: 1 - a * a,
        "relu": lambda a: (a > 0).astype(a.dtype),
        "identity": np.ones_like,
    }
    outputs = [x]
    with np.errstate(over="ignore"):
        for (W, b), f in zip(layers, activations, strict=True):
            outputs.append(functions[f](outputs[-1] @ W + b))
    back = (outputs[-1] - y) * np.asarray((2 if loss == SQUARED else 1) * factor / y.size, x.dtype)
    actual = {}
    for ell in range(len(layers), 0, -1):
        cancels = ell == len(layers) and loss != SQUARED
        delta = back if cancels else back * slopes[activations[ell - 1]](outputs[ell])
        actual[f"W{ell}"], actual[f"b{ell}"] = outputs[ell - 1].T @ delta, delta.sum(axis=0)
        back = delta @ layers[ell - 1].W.T
    return actual


def right(
    activations, convention="mse", batches=probe.BATCHES, outputs=3, seed=0, dtype="float64", sizes=None, scale=None
):
    sizes = sizes or (*probe.general_sizes(len(activations))[:-1], outputs)
    observations = []
    for number, batch in enumerate(batches):
        layers, x, y = probe.make(sizes, batch, seed + number, [True] * len(activations), dtype)
        if scale:
            layers = rounded(rounded(parameters.initial(sizes, seed, scale), dtype), "float64")
        factor = BY_NAME[convention].factor(batch, sizes[-1])
        loss = BY_NAME[convention].loss
        inputs = rounded(layers, dtype), activations, x.astype(dtype), y.astype(dtype), factor, loss
        observations.append(Observation(layers, x, y, plain_pass(*inputs), rate=probe.RATE))
    return observations


def planted(activations, mistake, convention="half-sse", batches=probe.BATCHES, outputs=3, seed=0):
    observations = []
    for number, batch in enumerate(batches):
        sizes = (*probe.general_sizes(len(activations))[:-1], outputs)
        layers, x, y = probe.make(sizes, batch, seed + number, [True] * len(activations))
        factor, loss = BY_NAME[convention].factor(batch, outputs), BY_NAME[convention].loss
        steps = mistake.steps()
        actual = mutants.gradients(activations, layers, x, y, steps, factor=factor, rate=probe.RATE, loss=loss)
        if actual is None:
            return None
        gradients = {n: np.array(g.value) for n, g in actual.items()}
        observations.append(Observation(layers, x, y, gradients, rate=probe.RATE))
    return observations


def with_partner(activations, convention):
    """The same network with the output's activation that goes with the convention's loss."""
    return (*activations[:-1], PARTNERS.get(BY_NAME[convention].loss, activations[-1]))


@settings(max_examples=60, deadline=None)
@given(
    activations=st.sampled_from(NETS),
    sizes=st.lists(st.integers(1, 6), min_size=4, max_size=4),
    batches=st.lists(st.integers(1, 9), min_size=1, max_size=3),
    seed=st.integers(0, 10_000),
    scale=st.sampled_from([0.1, 1.0, 10.0, 100.0]),
    convention=st.sampled_from(sorted(BY_NAME)),
    dtype=st.sampled_from(["float32", "float64"]),
)
def test_right_code_is_never_called_wrong(activations, sizes, batches, seed, scale, convention, dtype):
    """Over layer sizes, batches, seeds, scales, conventions and both dtypes."""
    activations = with_partner(activations, convention)
    sizes = tuple(sizes[: len(activations) + 1])
    sizes = (*sizes[:-1], sizes[-1] + (activations[-1] == "softmax"))  # targets of one class would not add up to 1
    observations = right(activations, convention, batches, seed=seed, dtype=dtype, sizes=sizes, scale=scale)
    try:
        diagnosis = diagnose(observations, [activations], [BY_NAME[convention]], dtype=dtype, depth="right")
    except BadInput:
        assume(False)  # a ReLU within rounding of its kink
    assert diagnosis.right, diagnosis.taus


@pytest.mark.parametrize("convention", sorted(BY_NAME))
def test_the_convention_is_named(convention):
    """On a probe with several outputs and batches, each convention is distinguished from every other."""
    activations = with_partner(SIGMOIDS, convention)
    diagnosis = diagnose(
        right(activations, convention), candidates(2, ["sigmoid", "softmax"], outputs=3), depth="pairs"
    )
    assert diagnosis.right and diagnosis.convention.name == convention and diagnosis.activations == activations
    assert set(diagnosis.taus) == {"W1", "b1", "W2", "b2"} and 0 < diagnosis.margin <= 1


@pytest.mark.parametrize("activations", NETS[:4], ids="-".join)
def test_the_activations_are_found(activations):
    diagnosis = diagnose(right(activations), candidates(len(activations)), depth="pairs")
    assert diagnosis.right and diagnosis.activations == activations


def family(loss):
    """The conventions of one loss: what is known where the program computes it."""
    return [convention for convention in CONVENTIONS if convention.loss == loss]


PLANTED = {
    "squared": (SQUARED, NETS, 3, ("half-sse", "mse", "sse", "half-row-mean"), 200),
    "one output": (SQUARED, NETS[:2], 1, ("half-sse", "mse", "sse", "half-row-mean"), 90),
    "binary": (BINARY_CROSS_ENTROPY, [("tanh", "sigmoid"), ("sigmoid",)], 3, ("bce-row-mean", "bce-sum"), 70),
    "softmax": (CROSS_ENTROPY, [("relu", "softmax"), ("tanh", "tanh", "softmax")], 3, ("ce-mean", "ce-sum"), 100),
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", PLANTED)
def test_planted_single_mistakes_are_named_first(kind):
    """At least 95 % of all single mistakes, over networks and conventions, are named first; none is called right.

    Left aside are those that are right code under another convention, or for one output, or cannot be made here.
    """
    loss, nets, outputs, conventions, at_least = PLANTED[kind]
    named, total, missed = 0, 0, []
    for activations in nets:
        possible = [mistake for mistake in bank(activations) if mistake.loss in ("", loss)]
        for number, mistake in enumerate(possible):
            convention = conventions[number % len(conventions)]
            observations = planted(activations, mistake, convention, outputs=outputs)
            if observations is None or diagnose(observations, [activations], family(loss), depth="right").right:
                assert observations is None or harmless(mistake, activations, outputs, loss), mistake.name
                continue
            total += 1
            diagnosis = diagnose(observations, [activations], family(loss), depth="singles")
            good = bool(diagnosis.explanations) and diagnosis.explanations[0].mistake.name == mistake.name
            named += good
            missed += [] if good else [(activations, convention, mistake.name)]
    print(f"{named} of {total} planted single mistakes named first; not: {missed}")
    assert total > at_least
    assert named >= 0.95 * total, missed


def harmless(mistake, activations, outputs, loss):
    """Is this no mistake here? A constant that a convention has, a slope of 1, or one output where shapes coincide."""
    m = len(activations)
    last = f"-{m - 1}" if m > 2 else ""
    constant = mistake.name in ("rows-twice", "averaged-twice")
    output_slope_is_one = activations[-1] == "identity" or loss != SQUARED
    slope_of_one = mistake.name == f"back-without-slope{last}" and output_slope_is_one
    coincide = f"back-reshaped-weights{last}", f"W{m}-reshaped", f"b{m}-scalar"
    return constant or slope_of_one or (outputs == 1 and mistake.name in coincide)


def test_nothing_is_planted_and_nothing_is_found():
    """The counterpart of the test above: the bank's own right pass is right."""
    nothing = dataclasses.replace(bank(SIGMOIDS)[0], changes={})
    assert diagnose(planted(SIGMOIDS, nothing), [SIGMOIDS], depth="pairs").right


@pytest.mark.slow
@pytest.mark.parametrize(
    "pair",
    [
        ("b1-missing", "slope-none-output"),
        ("sign", "b1-missing"),
        ("slope-none-hidden", "b2-averaged"),
        ("weights-transposed", "biases-missing"),
        ("back-updated-first", "b1-missing"),
    ],
    ids="+".join,
)
def test_two_mistakes_at_once_are_named(pair):
    singles = {mistake.name: mistake for mistake in bank(SIGMOIDS)}
    both = next(p for p in mutants.pairs(list(singles.values())) if set(pair) == {part.name for part in p.parts})
    diagnosis = diagnose(planted(SIGMOIDS, both), [SIGMOIDS], family(SQUARED), depth="pairs")
    assert not diagnosis.right and set(pair) == {part.name for part in diagnosis.explanations[0].mistake.parts}


def test_several_explanations_are_all_listed():
    """One probe of two rows leaves several mistakes that fit; the planted one is among those that are shown."""
    mistake = next(m for m in bank(SIGMOIDS) if m.name == "b1-averaged")
    one_row = planted(SIGMOIDS, mistake, batches=(2,), outputs=1)
    diagnosis = diagnose(one_row, [SIGMOIDS], depth="pairs")
    names = [explanation.mistake.name for explanation in diagnosis.explanations]
    assert {"b1-averaged", "b1-halved"} <= set(names)


def test_a_strict_convention_allows_no_other():
    """Right for the half sum is wrong where the mean is demanded, and the message says which it is."""
    diagnosis = diagnose(
        right(SIGMOIDS, "half-sse"), [("tanh", "tanh"), SIGMOIDS], [MSE, BY_NAME["sse"]], depth="pairs"
    )
    assert not diagnosis.right and diagnosis.first_wrong == ""
    (explanation,) = diagnosis.explanations
    assert (explanation.activations, explanation.convention, explanation.constant) == (SIGMOIDS, MSE, 1.0)
    assert (diagnosis.activations, diagnosis.convention, diagnosis.constant) == (SIGMOIDS, MSE, 1.0)
    assert min(diagnosis.taus.values()) > 1
    mistake = explanation.mistake
    assert mistake.name == "another-convention" and mistake.changes == {}
    assert mistake.title == "the gradient is that of ½·Σ(a−y)², but the loss is 1/(N·k)·Σ(a−y)²"
    assert mistake.sentence == ("Every gradient is N·k/2 times that of the mean squared error, where 1 times is due.")
    assert mistake.equation == "∂L/∂a = 2/(N·k)·(a − y)  for  L = 1/(N·k)·Σ(a−y)²"


def test_a_mistake_under_a_convention_that_is_not_allowed_is_still_named():
    """Those that are allowed are tried first."""
    mistake = next(m for m in bank(SIGMOIDS) if m.name == "b1-missing")
    diagnosis = diagnose(planted(SIGMOIDS, mistake, "sse"), [SIGMOIDS], [MSE], depth="pairs")
    assert diagnosis.explanations[0].mistake.name == "b1-missing" and diagnosis.convention.name == "sse"
    one_output = planted(SIGMOIDS, mistake, "mse", outputs=1)  # where the mean over all is the mean over rows
    diagnosis = diagnose(one_output, [SIGMOIDS], [BY_NAME["row-mean"]], depth="pairs")
    assert diagnosis.convention.name == "row-mean"


def test_float32_inside_is_found_and_distinguished_from_a_cast():
    as_float64 = [
        dataclasses.replace(o, gradients={n: g.astype(np.float64) for n, g in o.gradients.items()})
        for o in right(SIGMOIDS, dtype="float32")
    ]
    diagnosis = diagnose(as_float64, [("tanh", "tanh"), SIGMOIDS], depth="pairs")
    (explanation,) = diagnosis.explanations
    assert (explanation.activations, explanation.convention, explanation.constant) == (SIGMOIDS, MSE, 1.0)
    mistake = explanation.mistake
    assert (mistake.name, mistake.title, mistake.changes) == ("float32", "the gradient is rounded to float32", {})
    assert mistake.sentence == (
        "The numbers are right to float32's seven digits, not to the sixteen of float64 that their type promises. "
        "Every value is a float32 number: the result is cast."
    )
    assert mistake.equation == (
        "float64 from the inputs to the result (look for float32, astype, or a framework's default dtype)"
    )
    scaled = [dataclasses.replace(o, gradients={n: 0.05 * g for n, g in o.gradients.items()}) for o in as_float64]
    diagnosis = diagnose(scaled, [SIGMOIDS], [MSE], rate_known=False, depth="pairs")
    assert diagnosis.explanations[0].mistake.name == "float32" and diagnosis.constant == pytest.approx(0.05, rel=1e-5)
    mixed = [
        dataclasses.replace(
            o, gradients={n: g * (1 + 1e-16) + (1e-9 if n == "W1" else 0) for n, g in o.gradients.items()}
        )
        for o in right(SIGMOIDS)
    ]
    diagnosis = diagnose(mixed, [SIGMOIDS], depth="pairs")
    mistake = diagnosis.explanations[0].mistake
    assert (mistake.name, mistake.title) == ("float32", "something inside is computed in float32")
    assert mistake.sentence == (
        "The numbers are right to float32's seven digits, not to the sixteen of float64 that their type promises."
    )


def test_a_learning_rate_that_is_not_known_is_found():
    scaled = [
        dataclasses.replace(o, gradients={n: 0.05 * g for n, g in o.gradients.items()}) for o in right(SIGMOIDS, "sse")
    ]
    diagnosis = diagnose(scaled, [SIGMOIDS], [BY_NAME["sse"]], rate_known=False, depth="pairs")
    assert diagnosis.right and diagnosis.constant == pytest.approx(0.05, rel=1e-12)
    assert not diagnose(scaled, [SIGMOIDS], depth="right").right


def test_a_negative_step_is_a_sign_and_not_a_learning_rate():
    climbing = [
        dataclasses.replace(o, gradients={n: -0.05 * g for n, g in o.gradients.items()}) for o in right(SIGMOIDS)
    ]
    diagnosis = diagnose(climbing, [SIGMOIDS], rate_known=False, depth="pairs")
    assert diagnosis.right is False and diagnosis.explanations[0].mistake.name == "sign"


def in_turn(orders, mistake=None, dtype="float64"):
    """What is seen of a program that updates after each row, at ½·Σ(a−y)²; one order of rows for each probe."""
    observations = []
    steps = mistake.steps() if mistake else BackwardSteps()
    for number, order in enumerate(orders):
        layers, x, y = probe.make((4, 5, 3), len(order), number, [True, True], dtype)
        how = {"factor": 1.5, "rate": probe.RATE, "dtype": dtype, "order": order}
        actual = mutants.row_by_row(SIGMOIDS, layers, x, y, steps, **how)
        gradients = {n: g.value.astype(dtype).astype(float) for n, g in actual.items()}
        slack = {n: g.error for n, g in actual.items()} if dtype == "float64" else {}  # from subtracting parameters
        observations.append(Observation(layers, x, y, gradients, slack, rate=probe.RATE))
    return observations


CHOICES = [("tanh", "sigmoid"), SIGMOIDS]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_updates_after_every_row_are_recognised(dtype):
    observations = in_turn([(0, 1, 2), (0,)], dtype=dtype)
    assert not diagnose(observations, [SIGMOIDS], dtype=dtype, depth="right").right
    diagnosis = diagnose_row_by_row(observations, CHOICES, dtype=dtype)
    assert diagnosis.right and diagnosis.row_by_row and diagnosis.explanations == ()
    assert (diagnosis.activations, diagnosis.convention.name, diagnosis.constant) == (SIGMOIDS, "half-sse", 1.0)
    assert set(diagnosis.taus) == {"W1", "b1", "W2", "b2"} and diagnosis.margin <= 1
    if dtype == "float32":
        assert diagnose_row_by_row(observations, CHOICES) is None
    else:
        assert diagnose_row_by_row(observations, CHOICES, [MSE]) is None


@pytest.mark.parametrize("of_two", [(0, 1), (1, 0)], ids=["forwards", "backwards"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_rows_may_be_shuffled(of_two, dtype):
    """Three rows in whatever order are then left aside; two in either order, and one, are enough."""
    observations = in_turn([(2, 0, 1), of_two, (0,)], dtype=dtype)
    diagnosis = diagnose_row_by_row(observations, CHOICES, dtype=dtype)
    assert (
        diagnosis.right and diagnosis.row_by_row and diagnosis.convention.name == "half-sse" and diagnosis.margin <= 1
    )
    if dtype == "float32":
        assert diagnose_row_by_row(observations, CHOICES, explain=False) is None


def test_one_row_alone_says_nothing_of_updates_after_every_row():
    """A program that is right for one row and wrong for three is not taken for one that shuffles."""
    wrong = in_turn([(0, 1, 2), (0,)])
    wrong[0].gradients["W1"][0, 0] += 0.1
    assert diagnose_row_by_row(wrong, [SIGMOIDS]) is None


@pytest.mark.parametrize("orders", [[(0, 1, 2), (0,)], [(2, 0, 1), (1, 0), (0,)]], ids=["in turn", "shuffled"])
def test_mistakes_in_updates_after_every_row_are_named(orders):
    mistake = next(m for m in bank(SIGMOIDS) if m.name == "b1-missing")
    observations = in_turn(orders, mistake)
    diagnosis = diagnose_row_by_row(observations, CHOICES)
    assert diagnosis.right is False and diagnosis.row_by_row and diagnosis.explanations[0].mistake.name == "b1-missing"
    assert (diagnosis.activations, diagnosis.convention.name, diagnosis.constant) == (SIGMOIDS, "half-sse", 1.0)
    assert diagnosis.taus["b1"] > 1 and diagnosis.taus["W2"] > 1  # the second row meets a bias that has not moved
    assert diagnose_row_by_row(observations, CHOICES, explain=False) is None
    assert diagnose_row_by_row([o for o in observations if len(o.x) > 1], CHOICES) is None
    assert diagnose_row_by_row(observations, CHOICES[:1]) is None
    (explanation,) = (e for e in diagnosis.explanations if e.mistake.name == "b1-missing")
    assert (explanation.activations, explanation.convention.name, explanation.constant) == (SIGMOIDS, "half-sse", 1.0)


def test_what_is_right_beside_a_mistake_in_updates_after_every_row_is_shown():
    """On one row, a bias that never moves is all that is wrong."""
    diagnosis = diagnose_row_by_row(in_turn([(0,)], next(m for m in bank(SIGMOIDS) if m.name == "b1-missing")), CHOICES)
    assert [name for name, tau in diagnosis.taus.items() if tau > 1] == ["b1"]


def test_mistakes_in_updates_after_every_row_are_bounded_in_the_dtype():
    mistake = next(m for m in bank(SIGMOIDS) if m.name == "b1-missing")
    observations = in_turn([(0, 1, 2), (0,)], mistake, "float32")
    assert diagnose_row_by_row(observations, [SIGMOIDS], dtype="float32").explanations[0].mistake.name == "b1-missing"
    assert diagnose_row_by_row(observations, [SIGMOIDS]) is None


def test_updates_after_every_row_on_a_kink_are_not_judged():
    """Activations under which a probe is on its kink are left aside, the others tried."""
    layers = [Layer(np.zeros((2, 3)), np.zeros(3))]
    x, y = np.ones((2, 2)), np.ones((2, 3))
    actual = mutants.row_by_row(("tanh",), layers, x, y, BackwardSteps())
    gradients = {n: g.value for n, g in actual.items()}
    assert diagnose_row_by_row([Observation(layers, x, y, gradients)], [("relu",), ("tanh",)]).activations == ("tanh",)
    assert diagnose_row_by_row([Observation(layers, x, y, gradients)], [("relu",)]) is None


def test_what_nothing_explains_is_located():
    """An unheard-of fault in δ1: both hidden gradients are wrong, both of the output right."""
    strange = [
        dataclasses.replace(o, gradients={n: g + np.sin(1e3 * g) if n[1] == "1" else g for n, g in o.gradients.items()})
        for o in right(SIGMOIDS)
    ]
    diagnosis = diagnose(strange, [SIGMOIDS], depth="singles")
    assert not diagnosis.right and not diagnosis.explanations
    assert diagnosis.first_wrong == "the delta of the hidden layer, δ1 (δ2 is right)"


def test_what_nothing_explains_is_shown_where_most_is_right():
    """The activations and the convention under which the other tensors are right, though others are tried before."""
    strange = [
        dataclasses.replace(o, gradients={n: g + np.sin(1e3 * g) if n == "W1" else g for n, g in o.gradients.items()})
        for o in right(SIGMOIDS, "half-sse")
    ]
    diagnosis = diagnose(strange, [("tanh", "tanh"), SIGMOIDS, ("sigmoid", "tanh")], depth="nearest")
    assert (diagnosis.activations, diagnosis.convention.name, diagnosis.constant) == (SIGMOIDS, "half-sse", 1.0)
    assert [name for name, tau in diagnosis.taus.items() if tau > 1] == ["W1"]
    assert diagnosis.explanations == () and diagnosis.right is False and not diagnosis.row_by_row
    assert diagnosis.first_wrong == "the weight gradient of the hidden layer, dW1 (db1, and so δ1, is right)"


def test_how_far_an_explanation_is_looked_for():
    """Not at all, not for mistakes, or among single ones."""
    one = planted(SIGMOIDS, next(mistake for mistake in bank(SIGMOIDS) if mistake.name == "b1-missing"))
    nothing = diagnose(one, [SIGMOIDS], depth="right")
    assert (nothing.explanations, nothing.taus, nothing.first_wrong, nothing.constant) == ((), {}, "", 1.0)
    nearest = diagnose(one, [SIGMOIDS], depth="nearest")
    assert nearest.explanations == () and "db1" in nearest.first_wrong and nearest.taus["b1"] > 1 > nearest.taus["W1"]
    assert diagnose(one, [SIGMOIDS], depth="singles").explanations
    with pytest.raises(BadInput, match="unknown depth 'twice'"):
        diagnose(one, [SIGMOIDS], depth="twice")


@pytest.mark.slow
def test_pairs_of_mistakes_are_looked_for_by_default():
    singles = {mistake.name: mistake for mistake in bank(SIGMOIDS)}
    two = planted(SIGMOIDS, next(mutants.pairs([singles["sign"], singles["b1-missing"]])))
    assert not diagnose(two, [SIGMOIDS], depth="singles").explanations
    diagnosis = diagnose(two, [SIGMOIDS], depth="pairs")
    best = diagnosis.explanations[0]
    assert (diagnosis.activations, diagnosis.convention, diagnosis.constant) == (
        SIGMOIDS,
        best.convention,
        best.constant,
    )
    assert best.convention.name == "half-sse" and diagnosis.taus["b1"] > 1 and diagnosis.first_wrong == ""
    titles = [explanation.mistake.title for explanation in diagnosis.explanations]
    assert len(set(titles)) == len(titles)


def test_mistakes_are_looked_for_under_each_activation_and_dtype():
    """A mistake in a network of the second choice, in float32."""
    mistake = next(m for m in bank(SIGMOIDS) if m.name == "b1-missing")
    observations = [
        dataclasses.replace(o, gradients={n: g.astype(np.float32).astype(float) for n, g in o.gradients.items()})
        for o in planted(SIGMOIDS, mistake)
    ]
    diagnosis = diagnose(observations, [("tanh", "identity"), SIGMOIDS], dtype="float32", depth="singles")
    assert diagnosis.explanations[0].mistake.name == "b1-missing" and diagnosis.explanations[0].activations == SIGMOIDS
    assert not diagnose(observations, [SIGMOIDS], depth="singles").explanations
    assert diagnosis.taus["W1"] <= 1 < diagnosis.taus["b1"]


def test_the_activations_that_a_network_may_have():
    """Likeliest first: what is named in the source, and for the output the identity beside it."""
    assert candidates(1) == [("identity",), ("sigmoid",), ("tanh",), ("relu",)]
    assert candidates(1, ["relu"]) == [("identity",), ("relu",), ("sigmoid",), ("tanh",)]
    assert candidates(2)[:5] == [
        ("sigmoid", "identity"),
        ("sigmoid", "sigmoid"),
        ("sigmoid", "tanh"),
        ("sigmoid", "relu"),
        ("tanh", "identity"),
    ]
    assert [hidden for hidden, *_ in candidates(3, iter(["relu", "tanh"]))[::4]] == [
        "tanh",
        "relu",
        "sigmoid",
        "identity",
    ]
    assert candidates(3, ["relu"])[1] == ("relu", "relu", "relu") and len(set(candidates(3))) == 16


@pytest.mark.parametrize(
    ("wrong", "where"),
    [
        (("W2", "b2", "W1", "b1"), "the delta of the output layer, δ2"),
        (("W2",), "the weight gradient of the output layer, dW2 (db2, and so δ2, is right)"),
        (("b2",), "the bias gradient of the output layer, db2 (dW2, and so δ2, is right)"),
        (("W1", "b1"), "the delta of the hidden layer, δ1 (δ2 is right)"),
        (("W1",), "the weight gradient of the hidden layer, dW1 (db1, and so δ1, is right)"),
        (("b1",), "the bias gradient of the hidden layer, db1 (dW1, and so δ1, is right)"),
        ((), ""),
    ],
)
def test_the_first_wrong_quantity(wrong, where):
    taus = {name: 1.1 if name in wrong else 1.0 for name in ("W1", "b1", "W2", "b2")}
    assert first_wrong(taus, 2) == where


def test_the_first_wrong_quantity_without_biases_and_in_other_depths():
    assert first_wrong({"W1": 1e9, "W2": 1e9}, 2) == "the delta of the output layer, δ2"
    assert first_wrong({"W1": 1e9, "W2": 0}, 2) == "the delta of the hidden layer, δ1 (δ2 is right)"
    assert first_wrong({"W1": 1e9, "b1": 1e9}, 1) == "the delta of the layer, δ1"
    taus = {"W1": 0, "b1": 0, "W2": 0, "b2": 9, "W3": 0, "b3": 0}
    assert first_wrong(taus, 3) == "the bias gradient of hidden layer 2, db2 (dW2, and so δ2, is right)"


EVIDENCE = {
    "b1-missing": "db1 is zero while every other gradient is right",
    "sign": "every gradient is −1 times the right one",
    "b1-scalar": "db1 has the total in every entry while every other gradient is right",
    "W1-reshaped": "dW1 has the right numbers in the wrong places while every other gradient is right",
    "W1-transposed": "dW1 is the transpose of the right one while every other gradient is right",
    "last-row-only": "every gradient is right for one row but wrong for several",
    "b1-averaged": "db1 is 1/N of the right one (N rows) while every other gradient is right",
    "slope-none-hidden": "dW1 and db1 are wrong while every other gradient is right",
    "rate-folded-in": "every gradient is 0.375 times the right one",
}


@pytest.mark.parametrize("name", EVIDENCE)
def test_the_evidence_says_what_can_be_seen(name):
    mistake = next(m for m in bank(SIGMOIDS) if m.name == name)
    observations = planted(SIGMOIDS, mistake)
    diagnosis = diagnose(observations, [SIGMOIDS], depth="pairs")
    assert describe(diagnosis, observations, "float64") == EVIDENCE[name]


def test_not_a_number_is_never_right():
    for value in (np.nan, np.inf):
        observations = right(SIGMOIDS)
        observations[0].gradients["W1"][0, 0] = value
        diagnosis = diagnose(observations, [SIGMOIDS], depth="singles")
        assert not diagnosis.right and "is not finite" in describe(diagnosis, observations, "float64")


def test_a_gradient_of_another_shape_is_wrong_and_not_an_error():
    observations = right(SIGMOIDS)
    observations[0].gradients["W1"] = observations[0].gradients["W1"][:, :2]
    diagnosis = diagnose(observations, [SIGMOIDS], depth="singles")
    assert not diagnosis.right and diagnosis.taus["W1"] == np.inf


def test_probes_on_a_kink_are_refused():
    layers = [Layer(np.zeros((2, 3)), np.zeros(3))]
    zero = Observation(layers, np.zeros((1, 2)), np.zeros((1, 3)), {"W1": np.zeros((2, 3)), "b1": np.zeros(3)})
    with pytest.raises(BadInput) as refusal:
        diagnose([zero], [("relu",)], depth="pairs")
    assert str(refusal.value) == "every probe is on the kink of a ReLU; take another seed"
    diagnosis = diagnose(
        [zero], [("relu",), ("tanh",)]
    )  # where only one of the choices has a kink, the others are left
    assert diagnosis.right and diagnosis.activations == ("tanh",)


def test_conventions_are_named_by_what_they_are():
    """Over the gradient of the mean over all elements: 5 rows, 3 outputs."""
    assert [c.factor(5, 3) for c in family(SQUARED)] == [1, 0.5, 7.5, 15, 1.5, 3, 5, 2.5]
    assert {c.name: c.factor(5, 3) for c in CONVENTIONS if c.loss != SQUARED} == {
        "bce-mean": 1, "bce-sum": 15, "bce-row-mean": 3, "ce-mean": 3, "ce-sum": 15, "ce-element-mean": 1,
    }  # fmt: skip
    assert output_cotangent(BY_NAME["bce-row-mean"]) == output_cotangent(BY_NAME["ce-mean"]) == "1/N·(a − y)"
    assert output_cotangent(BY_NAME["ce-sum"]) == "(a − y)"
    assert output_cotangent(MSE) == "2/(N·k)·(a − y)"
    assert output_cotangent(BY_NAME["half-sse"]) == "(a − y)"
    assert output_cotangent(BY_NAME["half-row-mean"]) == "1/N·(a − y)"
    assert output_cotangent(BY_NAME["sse"]) == "2·(a − y)"
    assert output_cotangent(BY_NAME["row-sum"]) == "2/k·(a − y)"
    assert output_cotangent(BY_NAME["half-mse"]) == "1/(N·k)·(a − y)"


def test_short_batches_without_a_gradient_show_nothing_row_by_row():
    """Found zeros are those of dead units as well: a program that is wrong on seven rows is not right for it."""
    zeros = []
    for seed, batch in enumerate(probe.BATCHES):
        layers, x, y = probe.make((4, 5, 1), batch, seed, [True, True])
        layers = [layers[0], Layer(layers[1].W, layers[1].b - 100)]
        fill = 1.0 if batch > 2 else 0.0
        gradients = {
            f"{k}{n}": np.full_like(getattr(layer, k), fill) for n, layer in enumerate(layers, 1) for k in "Wb"
        }
        zeros.append(Observation(layers, x, y, gradients))
    assert diagnose_row_by_row(zeros, [("sigmoid", "relu")]) is None
