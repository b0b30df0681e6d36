"""The judge: what is within the bound of right or mistaken gradients, probe by probe, and under which convention."""

from __future__ import annotations

import warnings
from dataclasses import replace

import numpy as np
import pytest

from samegrad.impls.checking.agreement import allowance
from samegrad.impls.checking.bound import arithmetic
from samegrad.impls.parameters import Layer, tensors
from samegrad.impls.problem import Problem
from samegrad.impls.verifying import mutants, probe
from samegrad.impls.verifying.conventions import BY_NAME, CONVENTIONS, MSE
from samegrad.impls.verifying.judge import Judge, Observation, Penalty, RightGradients, worst_tau
from samegrad.impls.verifying.mistakes import bank
from samegrad.impls.verifying.mutants import BackwardSteps, Mistake

NET = ("tanh", "sigmoid")
SIZES = (4, 5, 3)
NOTHING = Mistake("nothing", "nothing is wrong", "", "", {})


def observation(batch, seed=0, sizes=SIZES, **changes):
    """A probe with the oracle's own gradients, so that τ is 0 until something is added to them."""
    layers, x, y = probe.make(sizes, batch, seed, [True] * (len(sizes) - 1))
    bare = Observation(layers, x, y, {})
    gradients = {name: g.copy() for name, g in RightGradients(bare, NET[-len(layers) :], "float64").gradients.items()}
    return replace(bare, gradients=gradients, **changes)


def moved(o, name, by):
    """The same observation with one tensor elsewhere."""
    return replace(o, gradients={**o.gradients, name: o.gradients[name] + by})


def allowed(o, dtype="float64"):
    """What a right gradient may be off, by the book."""
    problem = Problem("p", SIZES, NET, lambda batch, seed: (o.x, o.y))
    return tensors(allowance(problem, o.parameters, o.x, o.y, dtype).gradients)


def named(name, activations=NET):
    return next(mistake for mistake in bank(activations) if mistake.name == name)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("convention", ["mse", "half-sse"])
def test_tau_is_the_error_in_units_of_what_is_allowed(dtype, convention):
    """The gate's allowance times the convention's constant and the rate, and 4u for multiplying these in."""
    o = observation(7)
    scale = 0.375 * BY_NAME[convention].factor(7, 3)
    bound = scale * allowed(o, dtype)["W1"] + 4 * arithmetic(dtype).u * scale * abs(o.gradients["W1"])
    actual = {name: scale * g for name, g in o.gradients.items()}
    actual["W1"] = actual["W1"] + 3 * bound
    taus = Judge([replace(o, gradients=actual)], dtype).taus(NET, BY_NAME[convention], 0.375)
    assert taus["W1"] == pytest.approx(3, rel=1e-2 if dtype == "float64" else 1e-9)
    assert max(taus[name] for name in ("b1", "W2", "b2")) < 0.1 and list(taus) == list(o.gradients)


def test_the_worst_probe_counts():
    """Whichever probe and whichever element it is."""
    for position in range(3):
        probes = [observation(batch, seed) for seed, batch in enumerate((7, 1, 2))]
        by = np.zeros((4, 5))
        by[2, 3] = 1e-6
        o = probes[position]
        probes[position] = moved(o, "W1", by)
        judge = Judge(probes)
        taus = judge.taus(NET, MSE)
        expected = 1e-6 / (allowed(o)["W1"] + 4 * 2**-53 * abs(o.gradients["W1"]))[2, 3]
        assert taus["W1"] == pytest.approx(expected, rel=1e-6) and taus["b1"] == 0
        assert judge.right(NET, CONVENTIONS) is None
    assert Judge([observation(7), observation(1, 1)]).right(NET, CONVENTIONS) == (MSE, 1.0)


def test_what_is_allowed_is_allowed_and_no_more():
    """The line is at one."""
    for share, right in ((0.9, True), (1.2, False)):
        o = observation(7)
        actual = moved(o, "b2", share * (allowed(o)["b2"] + 4 * 2**-53 * abs(o.gradients["b2"])))
        assert bool(Judge([actual]).right(NET, [MSE])) == right


def test_slack_is_added_to_what_is_allowed():
    """For the tensor that it is given for, whether held against the right gradients or against mistaken ones."""
    o = observation(7)
    actual = replace(moved(o, "W2", 1e-6), slack={"W2": np.full((5, 3), 2e-6)})
    judge = Judge([actual])
    assert judge.right(NET, [MSE]) == (MSE, 1.0) and judge.taus(NET, MSE)["W2"] == pytest.approx(0.5, rel=1e-6)
    assert judge.fits(NOTHING, NET, [MSE]) == (MSE, 1.0)
    assert judge.taus_under(NOTHING, NET, MSE)["W2"] == pytest.approx(0.5, rel=1e-6)
    assert Judge([replace(actual, slack={"W1": np.full((4, 5), 2e-6)})]).right(NET, [MSE]) is None


def test_another_shape_is_infinitely_wrong():
    """Also where the gradient was recovered, and its slack has that shape as well."""
    o = observation(7)
    turned = replace(o, gradients={**o.gradients, "W1": o.gradients["W1"].T}, slack={"W1": np.ones((5, 4))})
    judge = Judge([turned])
    assert judge.taus(NET, MSE)["W1"] == np.inf and judge.right(NET, CONVENTIONS) is None


def test_a_single_number_is_a_gradient_of_one_unit_only():
    """A bias's gradient that is one number for all units is not right, even where all units have that gradient."""
    layers = [Layer(np.ones((2, 3)), np.ones(3))]
    o = Observation(layers, np.ones((1, 2)), np.zeros((1, 3)), {})
    g = RightGradients(o, ("identity",), "float64").gradients
    assert g["b1"][0] == g["b1"][1] == g["b1"][2]
    assert Judge([replace(o, gradients=g)]).right(("identity",), [MSE])
    assert not Judge([replace(o, gradients={**g, "b1": g["b1"][:1]})]).right(("identity",), [MSE])


def test_one_number_is_repeated_for_all_units_as_numpy_does():
    """Summed along the wrong axis, one row gives one number; subtracted from a bias, it moves every unit alike."""
    mistake = named("b1-wrong-axis")
    one = observation(1)
    made = mutants.gradients(NET, one.parameters, one.x, one.y, mistake.steps())
    repeated = {name: np.broadcast_to(g.value, one.gradients[name].shape).copy() for name, g in made.items()}
    assert made["b1"].shape == (1,) and repeated["b1"].shape == (5,)
    for gradients in (repeated, {name: g.value for name, g in made.items()}):  # updated in place, or returned
        assert Judge([replace(one, gradients=gradients)]).fits(mistake, NET, [MSE]) == (MSE, 1.0)
    repeated["b1"][2] *= 1.1
    assert Judge([replace(one, gradients=repeated)]).fits(mistake, NET, [MSE]) is None


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_no_number_is_infinitely_wrong(value):
    o = observation(7)
    o.gradients["W1"][1, 1] = value
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert Judge([o]).taus(NET, MSE)["W1"] == np.inf
        assert Judge([o]).right(NET, CONVENTIONS) is None
        assert Judge([o], rate_known=False).right(NET, CONVENTIONS) is None


def test_what_is_beyond_all_bounds_is_quiet():
    """1e300 against a gradient that is allowed next to nothing: τ overflows, and no warning is printed."""
    dead = [Layer(np.full((2, 3), -9.0), np.full(3, -9.0)), Layer(np.ones((3, 1)), np.ones(1))]
    o = Observation(dead, np.ones((2, 2)), np.zeros((2, 1)), {})
    g = RightGradients(o, ("relu", "identity"), "float64").gradients
    actual = replace(o, gradients={**g, "W1": g["W1"] + 1e300})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert Judge([actual]).taus(("relu", "identity"), MSE)["W1"] == np.inf


def test_a_kink_is_no_reference():
    layers = [Layer(np.zeros((2, 3)), np.zeros(3))]
    judge = Judge([Observation(layers, np.ones((1, 2)), np.ones((1, 3)), {"b1": np.zeros(3)})])
    assert judge.references(("relu",)) is None and judge.right(("relu",), CONVENTIONS) is None
    assert judge.taus(("relu",), MSE) == {}
    assert len(judge.references(("tanh",))) == 1


def test_references_are_evaluated_once():
    o = observation(7)
    [first], [again] = Judge([o]).references(NET), Judge([replace(o, rate=2.0)]).references(NET)
    assert first is again
    [other] = Judge([o]).references(("sigmoid", "sigmoid"))
    assert other is not first


def test_a_reference_has_the_gate_s_truth_and_allowance():
    o = observation(7)
    reference = RightGradients(o, NET, "float32")
    problem = Problem("p", SIZES, NET, lambda batch, seed: (o.x, o.y))
    bound = allowance(problem, o.parameters, o.x, o.y, "float32")
    assert reference.loss_bound == bound.loss and np.array_equal(reference.predictions_bound, bound.predictions)
    assert all(np.array_equal(reference.bounds[name], b) for name, b in tensors(bound.gradients).items())
    a = 1 / (
        1 + np.exp(-(np.tanh(o.x @ o.parameters[0].W + o.parameters[0].b) @ o.parameters[1].W + o.parameters[1].b))
    )
    assert np.allclose(reference.predictions, a, rtol=1e-14)  # tens of roundings
    assert reference.loss == pytest.approx(np.mean((a - o.y) ** 2), rel=1e-13)


def test_a_rate_that_is_not_known_is_found_on_the_first_probe_and_kept_on_the_others():
    probes = [observation(7), observation(1, 1)]
    scaled = [replace(o, gradients={n: 0.05 * g for n, g in o.gradients.items()}) for o in probes]
    convention, rate = Judge(scaled, rate_known=False).right(NET, [MSE])
    assert convention == MSE and rate == pytest.approx(0.05, rel=1e-14)
    assert Judge([scaled[0], probes[1]], rate_known=False).right(NET, [MSE]) is None
    assert Judge(scaled).right(NET, [MSE]) is None

    sums = [
        replace(o, gradients={n: 1.5 * len(o.x) * g for n, g in p.gradients.items()})
        for o, p in zip(probes, scaled, strict=True)
    ]
    convention, rate = Judge(sums, rate_known=False).right(NET, [BY_NAME["half-sse"]])
    assert rate == pytest.approx(0.05, rel=1e-14)


@pytest.mark.parametrize("factor", [-1.0, 0.0])
def test_a_factor_that_is_not_positive_is_no_rate(factor):
    climbing = observation(7)
    slack = {n: np.full(g.shape, 1e-15) for n, g in climbing.gradients.items()}
    climbing = replace(climbing, gradients={n: factor * g for n, g in climbing.gradients.items()}, slack=slack)
    assert Judge([climbing], rate_known=False).right(NET, CONVENTIONS) is None


def test_no_rate_is_found_where_nothing_can_be_compared():
    """All tensors of other shapes, or gradients that are zero."""
    o = observation(7)
    turned = replace(o, gradients={"W1": o.gradients["W1"].T})
    assert Judge([turned], rate_known=False).right(NET, CONVENTIONS) is None
    dead = [Layer(np.full((2, 3), -9.0), np.full(3, -9.0))]
    zero = Observation(dead, np.ones((2, 2)), np.zeros((2, 3)), {"W1": np.zeros((2, 3)), "b1": np.zeros(3)})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert Judge([zero], rate_known=False).right(("relu",), CONVENTIONS) is None
    assert Judge([zero]).right(("relu",), CONVENTIONS) == (MSE, 1.0)


def test_the_conventions_are_tried_in_order():
    """One output: the mean over all and the mean over rows are the same, and the one asked for first is named."""
    o = observation(7, sizes=(4, 5, 1))
    assert Judge([o]).right(NET, CONVENTIONS)[0] == MSE
    assert Judge([o]).right(NET, CONVENTIONS[::-1])[0] == BY_NAME["row-mean"]
    assert Judge([o]).right(NET, [BY_NAME["sse"]]) is None
    assert Judge([o]).right(NET, []) is None


def test_a_convention_has_to_hold_on_every_probe():
    """On one row the sum over one output is the mean; on seven it is not."""
    one, seven = observation(1, sizes=(4, 5, 1)), observation(7, 1, sizes=(4, 5, 1))
    assert Judge([one]).right(NET, [BY_NAME["sse"]]) and Judge([one, seven]).right(NET, [BY_NAME["sse"]]) is None


def test_a_mistake_is_recognised_with_its_convention():
    """Whether twice the loss gives it twice (b1 missing) or not (the learning rate is in it)."""
    for name in ("b1-missing", "back-updated-first"):
        for convention in ("mse", "half-sse", "half-row-sum"):
            probes = [planted(named(name), convention, batch) for batch in (7, 1)]
            judge = Judge(probes)
            assert judge.fits(named(name), NET, CONVENTIONS) == (BY_NAME[convention], 1.0)
            assert judge.fits(named(name), NET, [BY_NAME["row-mean"]]) is None
            assert judge.fits(named("sign"), NET, CONVENTIONS) is None
            assert max(judge.taus_under(named(name), NET, BY_NAME[convention]).values()) <= 1
            assert max(judge.taus_under(NOTHING, NET, BY_NAME[convention]).values()) > 1


def planted(mistake, convention, batch, dtype="float64", rate=probe.RATE):
    layers, x, y = probe.make(SIZES, batch, batch, [True, True], dtype)
    factor = BY_NAME[convention].factor(batch, 3)
    gradients = mutants.gradients(NET, layers, x, y, mistake.steps(), factor=factor, rate=rate, dtype=dtype)
    return Observation(layers, x, y, {name: g.value for name, g in gradients.items()}, rate=rate)


def test_a_mistake_that_is_proportional_is_found_at_a_rate_that_is_not_known():
    """One that is not is only looked for at the rate that was given."""
    for name, actual in (("b1-missing", True), ("back-updated-first", False)):
        probes = [planted(named(name), "mse", batch) for batch in (7, 1)]
        scaled = [replace(o, gradients={n: 0.05 * g for n, g in o.gradients.items()}) for o in probes]
        fit = Judge(scaled, rate_known=False).fits(named(name), NET, [MSE])
        assert bool(fit) == actual
        if fit:
            assert fit[1] == pytest.approx(0.05, rel=1e-12)


def test_a_mistake_that_cannot_be_made_does_not_fit():
    """As many rows as units are needed; the probe has others."""
    probes = [observation(7), observation(1, 1)]
    judge = Judge(probes)
    assert judge.fits(named("W2-input-untransposed"), NET, CONVENTIONS) is None
    assert judge.taus_under(named("W2-input-untransposed"), NET, MSE) == {}


def test_mistakes_are_bounded_in_the_dtype():
    """The same numbers, off by some roundings of float32, fit in float32 and not in float64."""
    o = planted(named("b1-missing"), "mse", 7, "float32")
    rounded = replace(o, gradients={n: g.astype(np.float32).astype(np.float64) for n, g in o.gradients.items()})
    assert Judge([rounded], "float32").fits(named("b1-missing"), NET, [MSE]) == (MSE, 1.0)
    assert Judge([rounded], "float64").fits(named("b1-missing"), NET, [MSE]) is None
    assert Judge([rounded]).dtype == "float64"
    made = mutants.gradients(NET, o.parameters, o.x, o.y, named("b1-missing").steps(), dtype="float32")
    farthest = replace(o, gradients={n: g.value + 0.9 * g.error for n, g in made.items()})
    assert Judge([farthest], "float32").fits(named("b1-missing"), NET, [MSE]) == (MSE, 1.0)


def in_turn(mistake, convention, batch, order=None, rate=probe.RATE, dtype="float64"):
    """What a program that updates after each row would be seen to do."""
    layers, x, y = probe.make(SIZES, batch, batch, [True, True], dtype)
    factor = BY_NAME[convention].factor(1, 3)
    gradients = mutants.row_by_row(
        NET, layers, x, y, mistake.steps(), factor=factor, rate=rate, dtype=dtype, order=order
    )
    return Observation(layers, x, y, {name: g.value for name, g in gradients.items()}, rate=rate)


def test_updates_row_by_row_fit_in_the_order_of_the_rows_or_backwards():
    forwards = [in_turn(NOTHING, "half-sse", batch) for batch in (3, 1)]
    backwards = [in_turn(NOTHING, "half-sse", batch, range(batch)[::-1]) for batch in (3, 1)]
    half = BY_NAME["half-sse"]
    for probes, reverse in ((forwards, False), (backwards, True)):
        for asked in (False, True):
            judge = Judge(probes, row_by_row=True, backwards=asked)
            assert judge.fits(NOTHING, NET, CONVENTIONS) == ((half, 1.0) if asked == reverse else None)
            assert (max(judge.taus_under(NOTHING, NET, half).values()) <= 1) == (asked == reverse)
        assert Judge(probes).fits(NOTHING, NET, CONVENTIONS) is None


def test_row_by_row_conventions_that_are_the_same_on_one_row_are_one():
    """Each step sees one row, so that N times a mean over rows is no other than the mean; the first is named."""
    probes = [in_turn(NOTHING, "row-sum", batch) for batch in (3, 1)]
    judge = Judge(probes, row_by_row=True)
    assert judge.fits(NOTHING, NET, CONVENTIONS) == (MSE, 1.0)
    assert judge.fits(NOTHING, NET, [BY_NAME["row-sum"], MSE]) == (BY_NAME["row-sum"], 1.0)
    assert judge.fits(NOTHING, NET, [BY_NAME["sse"]]) is None


def test_a_mistake_row_by_row_at_its_rate_and_dtype():
    """The rate reaches the updates, and the dtype the bounds."""
    mistake = named("b1-missing")
    for rate in (0.375, 0.25):
        probes = [in_turn(mistake, "sse", batch, rate=rate) for batch in (2, 1)]
        assert Judge(probes, row_by_row=True).fits(mistake, NET, CONVENTIONS) == (BY_NAME["sse"], 1.0)
        other = [replace(o, rate=2 * rate) for o in probes]
        assert Judge(other, row_by_row=True).fits(mistake, NET, CONVENTIONS) is None
    rounded = [
        replace(o, gradients={n: g.astype(np.float32).astype(np.float64) for n, g in o.gradients.items()})
        for o in (in_turn(NOTHING, "mse", batch, dtype="float32") for batch in (2, 1))
    ]
    assert Judge(rounded, "float32", row_by_row=True).fits(NOTHING, NET, [MSE]) == (MSE, 1.0)
    assert Judge(rounded, row_by_row=True).fits(NOTHING, NET, [MSE]) is None


def test_the_right_pass_without_mistake_is_right_by_both_ways():
    """The bank's own pass is within the oracle's allowance, and the oracle within the bank's."""
    o = planted(NOTHING, "mse", 7)
    judge = Judge([o])
    assert judge.right(NET, [MSE]) == (MSE, 1.0) == judge.fits(NOTHING, NET, [MSE])
    assert BackwardSteps() == NOTHING.steps()


# Penalties -----------------------------------------------------------------------------------------------------------

TERMS = {"L2": lambda W: 0.01 * W, "L1": lambda W: 0.01 * np.sign(W), "elastic": lambda W: 0.01 * W + 0.02 * np.sign(W)}


def penalised(kind, convention="mse", over_rows=False, with_biases=False, factor=1.0, batches=(7, 1, 2)):
    """Probes whose gradients contain a penalty's as well: λ or λ/N times W, sign(W), or both."""
    probes = []
    for seed, batch in enumerate(batches):
        o = observation(batch, seed)
        scale = BY_NAME[convention].factor(batch, 3)
        values = tensors(o.parameters)
        extra = {n: factor * TERMS[kind](v) / (batch if over_rows else 1) for n, v in values.items()}
        gradients = {n: scale * g + (extra[n] if n[0] == "W" or with_biases else 0) for n, g in o.gradients.items()}
        probes.append(replace(o, gradients=gradients))
    return probes


@pytest.mark.parametrize("with_biases", [False, True], ids=["weights", "all"])
@pytest.mark.parametrize("over_rows", [False, True], ids=["λ", "λ/N"])
@pytest.mark.parametrize("convention", ["mse", "half-row-mean", "half-sse"])
@pytest.mark.parametrize("kind", TERMS)
def test_a_penalty_is_recognised_with_its_size(kind, convention, over_rows, with_biases):
    """λ as it was put in, on the weights or on all; to nine digits of the sixteen that subtracting the rest leaves."""
    judge = Judge(penalised(kind, convention, over_rows, with_biases))
    assert judge.right(NET, CONVENTIONS) is None
    factors, penalty = judge.penalised(NET, CONVENTIONS)
    assert (factors.name, penalty.kind, penalty.with_biases, penalty.descends) == (convention, kind, with_biases, True)
    expected = [0.01, 0.02] if kind == "elastic" else [0.01]
    for rows, *values in penalty.coefficients:
        assert values == pytest.approx([v / (rows if over_rows else 1) for v in expected], rel=1e-9)
    assert [rows for rows, *_ in penalty.coefficients] == [7, 1, 2]


@pytest.mark.parametrize(("roundings", "is_right"), [(0, True), (200, True), (5000, False)])
def test_a_penalty_is_recognised_beside_a_step_of_any_size(roundings, is_right):
    """0.3 times all of it; the step, found by least squares, is off by some roundings, and by no more."""
    rng = np.random.default_rng(0)
    probes = [
        replace(o, gradients={n: 0.3 * g * (1 + roundings * 2.0**-53 * rng.choice([-1, 1], g.shape))
                              for n, g in o.gradients.items()})
        for o in penalised("L2", "sse")
    ]  # fmt: skip
    fit = Judge(probes, rate_known=False).penalised(NET, CONVENTIONS)
    assert (fit is not None) == is_right
    if is_right:
        assert fit[0].name == "half-sse" and fit[1].coefficients[0] == pytest.approx((7, 0.003), rel=1e-9)


@pytest.mark.parametrize("kind", TERMS)
def test_a_penalty_that_pushes_weights_away_from_zero_is_none(kind):
    """λ < 0: the sign of the penalty is wrong. It is recognised as such, and does not descend."""
    fit = Judge(penalised(kind, factor=-1.0)).penalised(NET, [MSE])
    assert fit is not None and not fit[1].descends
    assert not Penalty("elastic", ((7, 0.1, -0.1),), False).descends
    assert not Penalty("L2", ((7, 0.1), (1, -0.1)), False).descends


def test_what_is_wrong_beside_a_penalty_is_not_explained_by_it():
    """One entry a millionth off, a bias that never moves, a penalty on one layer only."""
    probes = penalised("L2")
    assert Judge([moved(probes[0], "W1", np.eye(4, 5) * 1e-6), *probes[1:]]).penalised(NET, CONVENTIONS) is None
    still = replace(probes[0], gradients={**probes[0].gradients, "b1": np.zeros(5)})
    assert Judge([still, *probes[1:]]).penalised(NET, CONVENTIONS) is None
    one_layer = [replace(p, gradients={**p.gradients, "W2": observation(len(p.x), n).gradients["W2"]})
                 for n, p in enumerate(probes)]  # fmt: skip
    assert Judge(one_layer).penalised(NET, CONVENTIONS) is None


def test_a_mistake_is_no_penalty():
    """None of the bank's is explained by a pull of the weights towards zero."""
    for mistake in bank(NET):
        data = [probe.make(SIZES, batch, batch, [True, True]) for batch in (7, 1)]
        made = [mutants.gradients(NET, *case, mistake.steps(), rate=probe.RATE) for case in data]
        if mistake.loss == "binary cross-entropy" or None in made or mistake.name.endswith("wrong-axis"):
            continue  # of a bias's gradient of another shape, see below
        probes = [
            Observation(*case, {n: g.value for n, g in g_of.items()}) for case, g_of in zip(data, made, strict=True)
        ]
        if Judge(probes).right(NET, CONVENTIONS) is None:
            fit = Judge(probes).penalised(NET, CONVENTIONS)
            assert fit is None or not fit[1].descends, mistake.name


def test_a_bias_s_gradient_of_another_shape_is_no_penalty_and_no_error():
    o = observation(7)
    assert Judge([replace(o, gradients={**o.gradients, "b1": np.zeros(7)})]).penalised(NET, CONVENTIONS) is None


def test_where_no_gradient_shows_beside_it_there_is_no_penalty():
    """With any step: the weights and rounding, in which a right gradient is as nothing."""
    probes = []
    for n, o in enumerate(penalised("L2", factor=-1.0)):
        right = observation(len(o.x), n).gradients
        probes.append(replace(o, gradients={k: o.gradients[k] - (1 - 1e-25) * g for k, g in right.items()}))
    slack = {k: np.full(g.shape, 1e-15) for k, g in probes[0].gradients.items()}
    probes = [replace(o, slack=slack) for o in probes]
    assert Judge(probes, rate_known=False).penalised(NET, [MSE]) is None


def test_on_a_kink_no_penalty_is_seen():
    layers = [Layer(np.zeros((2, 3)), np.zeros(3))]
    zero = Observation(layers, np.ones((1, 2)), np.ones((1, 3)), {"W1": np.ones((2, 3)), "b1": np.ones(3)})
    assert Judge([zero]).penalised(("relu",), CONVENTIONS) is None


def test_too_few_numbers_show_no_penalty():
    """Of a line's one weight λ could be anything: whatever is wrong would be explained."""
    layers, x, y = probe.make((1, 1), 7, 0, [True])
    bare = Observation(layers, x, y, {})
    g = RightGradients(bare, ("identity",), "float64").gradients
    assert Judge([replace(bare, gradients={**g, "W1": g["W1"] + 0.5})]).penalised(("identity",), [MSE]) is None
    assert Judge([replace(bare, gradients={"b1": g["b1"] + 0.5})]).penalised(("identity",), [MSE]) is None


def test_a_penalty_in_float32_is_within_float32_s_bound():
    probes = [
        replace(o, gradients={n: g.astype(np.float32).astype(np.float64) for n, g in o.gradients.items()})
        for o in penalised("L2")
    ]
    assert Judge(probes, "float32").penalised(NET, [MSE])[1].kind == "L2"
    assert Judge(probes, "float64").penalised(NET, [MSE]) is None


# Cross-entropies -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("output", "loss", "names"),
    [("sigmoid", "binary cross-entropy", ("bce-mean", "bce-sum")), ("softmax", "cross-entropy", ("ce-mean", "ce-sum"))],
)
def test_a_cross_entropy_s_gradient_is_right_for_it_and_not_for_the_squared_error(output, loss, names):
    """The oracle's own gradients, times the constant of each convention; the other way round as well."""
    net = ("tanh", output)
    bare = [Observation(*probe.make(SIZES, batch, batch, [True, True]), {}) for batch in (7, 1, 2)]
    for name in names:
        probes = [
            replace(o, gradients={n: BY_NAME[name].factor(len(o.x), 3) * g
                                  for n, g in RightGradients(o, net, "float64", loss).gradients.items()})
            for o in bare
        ]  # fmt: skip
        judge = Judge(probes)
        assert judge.right(net, CONVENTIONS) == (BY_NAME[name], 1.0)
        assert judge.right(net, [c for c in CONVENTIONS if c.loss == "squared"]) is None
        assert max(judge.taus(net, BY_NAME[name]).values()) <= 1 < max(judge.taus(net, MSE).values())
        assert judge.right(("tanh", "tanh"), CONVENTIONS) is None
        without = Judge([moved(o, "b1", -o.gradients["b1"]) for o in probes])
        assert without.fits(named("b1-missing"), net, CONVENTIONS) == (BY_NAME[name], 1.0)
    squared = [replace(o, gradients=RightGradients(o, net, "float64").gradients) for o in bare]
    assert Judge(squared).right(net, CONVENTIONS) == (MSE, 1.0)
    assert Judge(squared).right(net, [BY_NAME[name] for name in names]) is None


def test_of_no_numbers_none_is_wrong():
    assert worst_tau(*[np.zeros((0, 3))] * 3) == 0


def test_a_mistake_of_one_loss_is_not_looked_for_under_another():
    """The slope that a cross-entropy has cancelled, multiplied in once more."""
    net, extra = ("tanh", "sigmoid"), named("slope-extra-output")
    assert extra.loss == "binary cross-entropy"
    probes = []
    for batch in (7, 1):
        layers, x, y = probe.make(SIZES, batch, batch, [True, True])
        gradients = mutants.gradients(net, layers, x, y, extra.steps(), factor=3.0, loss=extra.loss)
        probes.append(Observation(layers, x, y, {n: g.value for n, g in gradients.items()}))
    judge = Judge(probes)
    assert judge.fits(extra, net, CONVENTIONS) == (BY_NAME["bce-row-mean"], 1.0)
    assert judge.fits(extra, net, [c for c in CONVENTIONS if c.loss == "squared"]) is None
    # a − y with the slope is what the squared error has: ½·1/N·Σ over the rows
    assert judge.right(net, CONVENTIONS) == (BY_NAME["half-row-mean"], 1.0)


def test_units_that_saturate_show_nothing_under_a_constant_that_is_not_known():
    """Of a = 1 − 1e-18 no digit of the slope is left: the bound is 100 times the gradient, under any constant."""
    first, (W, b) = observation(7).parameters
    bare = replace(observation(7), parameters=[first, Layer(W, b + 42)], references={})
    right = RightGradients(bare, NET, "float64").gradients
    anything = {name: np.sign(g) * (1 + np.arange(g.size).reshape(g.shape)) for name, g in right.items()}
    assert Judge([replace(bare, gradients=anything)], rate_known=False).right(NET, CONVENTIONS) is None
