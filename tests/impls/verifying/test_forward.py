"""The network and its loss, recognised by what a program predicts and computes."""

from __future__ import annotations

from dataclasses import replace
from math import erf

import numpy as np
import pytest

from samegrad.impls.parameters import Layer
from samegrad.impls.problem import BINARY_CROSS_ENTROPY, CROSS_ENTROPY, SQUARED
from samegrad.impls.verifying import probe
from samegrad.impls.verifying.conventions import BY_NAME
from samegrad.impls.verifying.forward import (
    FUNCTIONS,
    NEAR,
    candidates,
    loss_families,
    matching,
    mixed,
    predicts,
    recognise,
    shown_by_loss,
    unusual,
)
from samegrad.impls.verifying.judge import Judge, Observation


def predicted(layers, activations, x):
    a = x
    for (W, b), f in zip(layers, activations, strict=True):
        a = FUNCTIONS[f](a @ W + b)
    return a


def observations(activations, batches=probe.BATCHES, outputs=3, explicit=True):
    """Probes with the predictions of a network of these activations, as a program computes them."""
    actual = []
    for seed, batch in enumerate(batches):
        sizes = (*probe.general_sizes(len(activations))[:-1], outputs)
        layers, x, y = probe.make(sizes, batch, seed, [True] * len(activations))
        predictions = predicted(layers, activations, x) if explicit else None
        actual.append(Observation(layers, x, y, {}, predictions=predictions))
    return actual


def computed(probes, activations, other=()):
    """What a program with these activations computed on the way, beside other arrays."""
    return [[*other, predicted(o.parameters, activations, o.x)] for o in probes]


CHOICES = candidates(2, ["softmax"], outputs=3)


@pytest.mark.parametrize("activations", CHOICES, ids="-".join)
def test_a_network_is_known_by_its_predictions(activations):
    """Each choice by its own, and by no other's; NumPy's own functions give the predictions.

    Of what is computed on the way, the probe of one row decides, and there two ReLUs may hide what is below them.
    """
    assert matching(Judge(observations(activations)), CHOICES, [[], [], []]) == [activations]
    seen = observations(activations, explicit=False)
    nonsense = np.full((7, 3), 0.5), np.zeros(3)
    choices = matching(Judge(seen), CHOICES, computed(seen, activations, nonsense))
    assert choices == [activations] or (activations in choices and {f for _, f in choices} == {"relu"})


def test_layers_that_differ_are_found_among_the_mixed_ones():
    """Three layers, tanh and then relu; the usual choices have all hidden layers alike."""
    activations = ("tanh", "relu", "sigmoid")
    assert activations not in candidates(3) and activations in mixed(3, 2)
    assert matching(Judge(observations(activations)), candidates(3), [[], [], []]) == [activations]
    assert not [choice for choice in mixed(3, 2) if choice in candidates(3)] and not [*mixed(2, 2)]
    assert {f[-1] for f in mixed(3, 2)} - {f[-1] for f in mixed(3, 1)} == {"softmax"}  # of one output it is 1 always


def test_a_softmax_over_the_wrong_axis_is_no_softmax():
    """Over the rows of the batch in the place of the classes: on one row each unit is then 1."""
    probes = observations(("tanh", "softmax"))
    for axis, known in ((1, [("tanh", "softmax")]), (0, [])):
        turned = []
        for o in probes:
            z = np.tanh(o.x @ o.parameters[0].W + o.parameters[0].b) @ o.parameters[1].W + o.parameters[1].b
            turned.append(replace(o, predictions=np.exp(z) / np.exp(z).sum(axis=axis, keepdims=True)))
        assert matching(Judge(turned), CHOICES, [[], [], []]) == known


def test_where_rows_are_taken_in_turn_the_probes_of_one_row_decide():
    """Of several rows only the last one's prediction is seen, at parameters that have moved."""
    activations = ("sigmoid", "identity")
    probes = observations(activations, explicit=False)
    seen = computed(probes, activations)
    in_turn = [[array[-1:] + (0.1 if len(array) > 1 else 0)] for (array,) in seen]
    assert matching(Judge(probes), CHOICES, in_turn) == [activations]
    in_turn[1][0] = in_turn[1][0] + 1e-9  # the probe of one row
    assert matching(Judge(probes), CHOICES, in_turn) == []


def test_without_a_probe_of_one_row_all_have_to_agree():
    activations = ("sigmoid", "identity")
    probes = observations(activations, (7, 2), explicit=False)
    seen = computed(probes, activations)
    assert matching(Judge(probes), CHOICES, seen) == [activations]
    seen[1] = []
    assert matching(Judge(probes), CHOICES, seen) == []


def test_what_its_own_forward_function_says_counts_more_than_an_array_on_the_way():
    """A forward function that predicts something else, though the right array occurs too."""
    activations = ("sigmoid", "identity")
    probes = observations(activations)
    probes[0] = replace(probes[0], predictions=probes[0].predictions + 1e-3)
    assert matching(Judge(probes), CHOICES, computed(probes, activations)) == []
    assert matching(Judge(observations(activations, explicit=False)), CHOICES, [[], [], []]) == []


def test_predictions_are_known_to_rounding_and_no_further():
    """Within the bound of a right computation: 1e-9 off is another network (it is seven digits more than the bound)."""
    activations = ("tanh", "identity")
    for off, known in ((1e-16, True), (1e-9, False)):
        probes = observations(activations)
        probes[-1] = replace(probes[-1], predictions=probes[-1].predictions + off)
        assert predicts(Judge(probes), activations, [[], [], []]) == known


def test_softmax_is_a_choice_of_several_outputs_that_is_spoken_of():
    assert ("tanh", "softmax") in candidates(2, ["softmax"], outputs=2)
    assert ("tanh", "softmax") not in candidates(2, ["softmax"])
    assert ("tanh", "softmax") not in candidates(2, [], outputs=2)


LOSSES = {
    "mse": (("tanh", "sigmoid"), lambda a, y: np.mean((a - y) ** 2)),
    "half-sse": (("tanh", "sigmoid"), lambda a, y: 0.5 * np.sum((a - y) ** 2)),
    "row-mean": (("tanh", "identity"), lambda a, y: np.sum((a - y) ** 2) / len(a)),
    "bce-mean": (("tanh", "sigmoid"), lambda a, y: -np.mean(y * np.log(a) + (1 - y) * np.log(1 - a))),
    "bce-row-mean": (("tanh", "sigmoid"), lambda a, y: -np.sum(y * np.log(a) + (1 - y) * np.log(1 - a)) / len(a)),
    "ce-mean": (("relu", "softmax"), lambda a, y: -np.sum(y * np.log(a)) / len(a)),
    "ce-sum": (("relu", "softmax"), lambda a, y: -np.sum(y * np.log(a))),
}


@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_is_known_by_its_value(name):
    """As NumPy computes it from the predictions."""
    activations, loss = LOSSES[name]
    probes = observations(activations)
    values = [float(loss(o.predictions, o.y)) for o in probes]
    assert recognise(Judge(probes), CHOICES, values) == ([activations], [BY_NAME[name]])
    assert recognise(Judge(probes), CHOICES, [*values[:2], values[2] * (1 + 1e-9)]) is None
    printed = [round(value, 7) for value in values]  # to seven digits, as people print it: within NEAR
    assert recognise(Judge(probes), CHOICES, printed, NEAR) == ([activations], [BY_NAME[name]])


def test_the_losses_that_a_program_computes_are_found_under_their_names():
    """On the probes of one row; what is none there, zero, or not finite, is no loss."""
    activations = ("tanh", "sigmoid")
    probes = observations(activations, outputs=1)
    cross = [float(LOSSES["bce-mean"][1](o.predictions, o.y)) for o in probes]
    squared = [float(LOSSES["mse"][1](o.predictions, o.y)) for o in probes]
    numbers = [
        {"train.error": 0.25, "cost()": c, "nothing": 0.0, "mse": s if len(o.x) == 1 else 99.0, "nan": np.nan}
        for o, c, s in zip(probes, cross, squared, strict=True)
    ]
    families = loss_families(Judge(probes), [activations], numbers)
    assert families == {BINARY_CROSS_ENTROPY: "cost()", SQUARED: "mse"}
    numbers[1]["cost()"] *= 1.001
    assert loss_families(Judge(probes), [activations], numbers) == {SQUARED: "mse"}
    assert loss_families(Judge(probes), [("relu", "identity")], numbers) == {}
    assert CROSS_ENTROPY not in families


@pytest.mark.parametrize(
    ("name", "function"),
    [
        ("leaky ReLU (0.1 below zero)", lambda z: np.maximum(z, 0.1 * z)),
        ("ELU", lambda z: np.where(z < 0, np.exp(np.minimum(z, 0)) - 1, z)),
        ("softplus", lambda z: np.log(1 + np.exp(z))),
        ("GELU", lambda z: z * (0.5 + 0.5 * np.array([[erf(v / 2**0.5) for v in row] for row in z]))),
        ("swish", lambda z: z * np.exp(z) / (1 + np.exp(z))),
    ],
)
def test_other_activations_are_named_by_what_is_predicted(name, function):
    layers, x, y = probe.make((4, 5, 3), 7, 0, (True, True))
    (W1, b1), (W2, b2) = layers
    predicted = function(x @ W1 + b1) @ W2 + b2
    assert unusual(Judge([Observation(layers, x, y, {}, predictions=predicted)])) == (name, "identity")
    assert unusual(Judge([Observation(layers, x, y, {}, predictions=predicted + 1e-3)])) == ()
    known = np.tanh(x @ W1 + b1) @ W2 + b2
    assert unusual(Judge([Observation(layers, x, y, {}, predictions=known)])) == ()


def test_a_column_of_zeros_is_no_dead_unit_s_prediction():
    """One row of which every ReLU is dead predicts zeros, as an array of biases has them."""
    activations, (W, b) = ("relu",), probe.make((4, 3), 1, 0, [True])[0][0]
    dead = Observation([Layer(W, -abs(b) - 100)], np.zeros((1, 4)), np.zeros((1, 3)), {})
    x = np.full((7, 4), 100.0) * np.sign(W.sum(axis=1))
    alive = Observation([Layer(W, b)], x, np.zeros((7, 3)), {})
    judge = Judge([alive, dead])
    assert predicts(judge, activations, [[predicted(alive.parameters, activations, x)], [np.zeros((1, 3))]])
    assert not predicts(judge, activations, [[np.zeros((7, 3))], [np.zeros((1, 3))]])


def test_predictions_that_round_a_little_more_show_the_network_and_wrong_ones_do_not():
    """exp(z)/(1 + exp(z)) is a sigmoid; one with a slope of 1 + 1e-9 is none."""
    for slope, right in ((1.0, True), (1 + 1e-9, False)):
        some = []
        for o in observations(("sigmoid", "sigmoid")):
            h = predicted(o.parameters[:1], ("sigmoid",), o.x)
            e = np.exp(slope * (h @ o.parameters[1].W + o.parameters[1].b))
            some.append(replace(o, predictions=e / (1 + e)))
        assert predicts(Judge(some), ("sigmoid", "sigmoid"), [[], [], []]) == right


def test_a_loss_that_is_computed_shows_the_network_on_every_probe_or_not_at_all():
    some = observations(("tanh", "identity"), explicit=False)
    judge = Judge(some)
    values = [r.loss for r in judge.references(("tanh", "identity"))]
    choices = candidates(2)
    assert shown_by_loss(judge, choices, [{"error()": v, "other()": 1.0} for v in values]) == [("tanh", "identity")]
    assert shown_by_loss(judge, choices, [{"error()": v} for v in [*values[:2], 1.1 * values[2]]]) == []
    for off, known in ((0.5e-6, True), (2e-6, False)):  # as where it is printed short
        assert bool(shown_by_loss(judge, choices, [{"error()": v * (1 + off)} for v in values])) == known
    assert shown_by_loss(judge, choices, [{"error()": values[0]}, {}, {}]) == []
    alone = Judge(some[:1])
    assert shown_by_loss(alone, choices, [{"error()": values[0]}]) == [("tanh", "identity")]
    assert shown_by_loss(alone, choices, [{"error()": np.inf}]) == shown_by_loss(alone, choices, []) == []


def test_what_is_computed_on_a_first_probe_of_one_row_is_looked_at():
    activations = ("sigmoid", "identity")
    some = observations(activations, (1, 7), explicit=False)
    assert predicts(Judge(some), activations, computed(some, activations))
    assert not predicts(Judge(some), activations, [[], []])


def test_a_number_that_is_missing_on_a_probe_is_no_loss():
    activations = ("tanh", "sigmoid")
    some = observations(activations, (1, 1), outputs=1)
    values = [float(LOSSES["mse"][1](o.predictions, o.y)) for o in some]
    assert loss_families(Judge(some), [activations], [{"e": v} for v in values]) == {SQUARED: "e"}
    assert loss_families(Judge(some), [activations], [{"e": values[0]}, {}]) == {}
