"""The ways in which the gradients of one way of using a target may be right, and the words for each."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from samegrad.impls.parameters import Layer, tensors
from samegrad.impls.verifying import probe
from samegrad.impls.verifying.conventions import BY_NAME, MSE
from samegrad.impls.verifying.judge import Judge
from samegrad.impls.verifying.rightness import first_right
from tests.impls.verifying.observed import NET, candidate, each, in_turn, noise, probes, right

HALF = BY_NAME["half-row-mean"]
STRICT = {"strict": True, "conventions": (MSE,)}


def penalised(observations, size, power=1.0):
    """The same probes with λ·W (or λ·sign(W)) in each gradient of weights."""
    return each(
        observations,
        lambda n, g, o: g + size * np.sign(v := tensors(o.parameters)[n]) * abs(v) ** power if n[0] == "W" else g,
    )


# Plainly -------------------------------------------------------------------------------------------------------------


def test_what_is_right_is_so_without_a_word():
    verdict = first_right(candidate(probes()))
    assert verdict.right and verdict.notes == ()
    assert (verdict.convention, verdict.constant) == (MSE, 1.0)
    assert not verdict.row_by_row and verdict.penalty is None
    assert first_right(candidate(each(probes(), lambda n, g, o: g * (1.001 if n == "b2" else 1)))) is None


# After each row ------------------------------------------------------------------------------------------------------


def test_updates_after_each_row_are_right_for_steps_only():
    some = [in_turn(o) for o in probes()]
    verdict = first_right(candidate(some, recovered=True))
    assert verdict.right and verdict.row_by_row and verdict.notes == ()
    off = [
        replace(o, gradients={n: g + 0.5 * (len(o.x) > 2) * o.slack[n] for n, g in o.gradients.items()}) for o in some
    ]
    assert (
        1 > first_right(candidate(off, recovered=True)).margin > 2 * verdict.margin
    )  # the longest batch counts as well
    assert first_right(candidate([o for o in some if len(o.x) > 1], recovered=True)).row_by_row
    assert first_right(candidate(some, recovered=True, asked=STRICT)) is None
    assert first_right(candidate(some)) is None  # a returned gradient is taken at one place
    assert first_right(candidate(each(some, lambda n, g, o: 0 * g if n == "b1" else g), recovered=True)) is None


def test_updates_after_each_row_in_float32_are_held_to_its_bound():
    some = each([in_turn(o) for o in probes()], lambda n, g, o: noise(g, 1e-8))
    assert first_right(candidate(some, recovered=True, asked={"dtype": "float32"})).row_by_row
    assert first_right(candidate(some, recovered=True, asked=STRICT)) is None


def test_updates_after_each_row_at_a_rate_of_the_program_s_own():
    """The rate shows in the batch of one row; what is read at rate 1 is 0.375 times the gradient there."""
    some = [in_turn(o) for o in probes()]
    scaled = [replace(o, rate=1.0, slack={n: probe.RATE * s for n, s in o.slack.items()}) for o in some]
    scaled = each(scaled, lambda n, g, o: probe.RATE * g)
    verdict = first_right(candidate(scaled, recovered=True, rate_known=False))
    assert verdict.right and verdict.row_by_row
    assert first_right(candidate(scaled, recovered=True, rate_known=True)) is None
    off = [replace(o, slack={**o.slack, "b2": np.full(3, 1e-6)}) for o in scaled]  # read at that rate as well
    for share, is_right in ((0.9, True), (1.1, False)):
        moved = each(off, lambda n, g, o: g + share * 1e-6 * (n == "b2" and len(o.x) > 1))  # noqa: B023
        assert (first_right(candidate(moved, recovered=True, rate_known=False)) is not None) == is_right


@pytest.mark.parametrize("decay", [0.01, -0.01])
def test_a_penalty_in_updates_after_each_row_shows_in_the_batch_of_one(decay):
    some = [in_turn(o, decay=decay) for o in probes()]
    verdict = first_right(candidate(some, recovered=True))
    if decay < 0:
        assert verdict is None
        return
    penalty = verdict.penalty
    assert verdict.right and verdict.row_by_row and penalty.kind == "L2" and not penalty.with_biases
    assert verdict.activations == NET and verdict.constant == 1.0 and set(verdict.taus) == {"W1", "b1", "W2", "b2"}
    assert verdict.margin < 1 and penalty.coefficients == ((1, pytest.approx(decay, rel=1e-6)),)
    assert first_right(candidate(some)) is None
    coarse = each(some, lambda n, g, o: noise(g, 1e-8))
    assert first_right(candidate(coarse, recovered=True, asked={"dtype": "float32"})).penalty
    assert first_right(candidate(coarse, recovered=True, asked=STRICT)) is None
    unseen = [replace(o, predictions=None) for o in some]  # NET is not the first choice then
    assert first_right(candidate(unseen, recovered=True)).activations == NET
    assert first_right(candidate([o for o in some if len(o.x) > 1], recovered=True)) is None
    for times_slack, is_right in ((20, True), (400, False)):  # as λ is only found to some roundings
        off = [
            replace(o, gradients={n: g + times_slack * o.slack[n] for n, g in o.gradients.items()})
            if len(o.x) > 1 else o for o in some
        ]  # fmt: skip
        assert (first_right(candidate(off, recovered=True)) is not None) == is_right
    wrong = [o if len(o.x) == 1 else replace(o, gradients={n: 1.01 * g for n, g in o.gradients.items()}) for o in some]
    assert first_right(candidate(wrong, recovered=True)) is None


# Up to a constant ----------------------------------------------------------------------------------------------------


def times(factor, convention=MSE, **changes):
    return each(probes(convention=convention, **changes), lambda n, g, o: factor * g)


def test_a_constant_of_the_program_s_own_is_named():
    verdict = first_right(candidate(times(0.1, rate=probe.RATE), recovered=True, source={"literals": (0.1,)}))
    assert verdict.right and verdict.constant == pytest.approx(0.1, rel=1e-9)
    words = "{} is {} times that of the loss (a constant of your own, as a momentum's 1 − β, does not matter)."
    assert verdict.convention == MSE and verdict.notes == (words.format("The step", "0.1"),)
    verdict = first_right(candidate(times(0.7, rate=probe.RATE)))
    assert verdict.notes[0].startswith("The gradient is ") and verdict.right


def test_a_rate_that_is_not_used_is_said():
    verdict = first_right(candidate(times(1 / probe.RATE, rate=probe.RATE), recovered=True))
    assert verdict.notes == ("The learning rate that it takes is not used: its step is always 1 times the gradient.",)


def test_a_returned_gradient_that_contains_the_rate_is_not_right():
    assert first_right(candidate(times(probe.RATE, rate=probe.RATE))) is None
    assert first_right(candidate(times(probe.RATE, rate=probe.RATE), recovered=True)).right
    single = each(times(probe.RATE, rate=probe.RATE), lambda n, g, o: np.float64(np.float32(g)))
    assert first_right(candidate(single, asked={"dtype": "float32"})) is None


def test_a_rate_that_is_not_known_is_found_and_not_noted():
    verdict = first_right(candidate(times(0.07), recovered=True, rate_known=False))
    assert verdict.right and verdict.notes == ()


def test_of_several_conventions_the_one_whose_rate_is_written_is_told():
    """0.05 times k/2 of the mean's gradient is 0.075 times the mean's, which this source does not contain."""
    some = times(0.05, HALF)
    for literals in ((3.0, 0.05), (0.0, -1.0, 0.05)):
        verdict = first_right(candidate(some, recovered=True, rate_known=False, source={"literals": literals}))
        assert (verdict.convention, verdict.constant) == (HALF, pytest.approx(0.05))
        assert set(verdict.taus) == {"W1", "b1", "W2", "b2"} and verdict.margin < 1
    for other in (0.051, 0.05 * (1 + 1e-8)):
        verdict = first_right(candidate(some, recovered=True, rate_known=False, source={"literals": (other,)}))
        assert (verdict.convention, verdict.constant) == (MSE, pytest.approx(0.075))
    asked = {"asked": {"dtype": "float32"}, "source": {"literals": (0.05,)}}
    single = each(some, lambda n, g, o: np.float64(np.float32(g)))
    assert first_right(candidate(single, recovered=True, rate_known=False, **asked)).convention == HALF


def test_a_demanded_loss_has_its_constant():
    assert first_right(candidate(times(0.7), asked=STRICT)) is None
    assert first_right(candidate(times(0.7), recovered=True, rate_known=False, asked=STRICT)).right


def test_beside_a_returned_loss_no_constant_is_free():
    some = [replace(o, loss=float(np.mean((o.predictions - o.y) ** 2))) for o in times(0.7)]
    assert first_right(candidate(some)) is None
    assert first_right(candidate([replace(o, loss=None) for o in some])).right


# A few roundings more ------------------------------------------------------------------------------------------------


def just_beyond(tau):
    """Right gradients but for one entry, which is `tau` times the bound off."""
    some = probes()
    judge = Judge(some)
    o, r = some[0], judge.references(NET)[0]
    off = np.zeros((4, 5))
    off[0, 0] = tau * (r.bounds["W1"] + 4 * 2.0**-53 * abs(r.gradients["W1"]))[0, 0]
    return [replace(o, gradients={**o.gradients, "W1": o.gradients["W1"] + off}), *some[1:]]


def test_a_few_roundings_more_are_right_and_said():
    verdict = first_right(candidate(just_beyond(20.0)))
    assert verdict.right and len(verdict.notes) == 1
    note = verdict.notes[0]
    assert note.startswith("The largest error is 20 times the bound, which is derived for the usual formulas: ")
    assert note.endswith("as exp(z)/(1 + exp(z)), rounds a little more. A wrong one would be off by millions.")
    verdict = first_right(candidate(just_beyond(40.0)))
    assert verdict.notes[0].startswith("It is right to about seven digits only: ")


def test_a_few_roundings_more_beside_a_penalty_are_said_too():
    verdict = first_right(candidate(penalised(just_beyond(20.0), 0.01)))
    assert verdict.right and verdict.penalty.kind == "L2"
    assert [note.split(" is ")[0] for note in verdict.notes] == ["The largest error"]
    assert first_right(candidate(penalised(just_beyond(400.0), 0.01))) is None


# Penalties -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "power"), [("L2", 1.0), ("L1", 0.0)])
def test_a_penalty_is_right_without_a_note(kind, power):
    verdict = first_right(candidate(penalised(probes(), 0.01, power)))
    penalty = verdict.penalty
    assert verdict.right and verdict.notes == () and (penalty.kind, penalty.with_biases) == (kind, False)
    assert (verdict.activations, verdict.convention, verdict.constant) == (NET, MSE, 1.0)
    assert verdict.taus == penalty.taus and set(verdict.taus) == {"W1", "b1", "W2", "b2"} and verdict.margin < 1


def test_a_penalty_that_climbs_is_kept_as_what_is_wrong():
    c = candidate(penalised(probes(), -0.01))
    assert first_right(c) is None and not c.climbing.right
    assert [e.mistake.name for e in c.climbing.explanations] == ["penalty-sign"]
    first = c.climbing.explanations[0]
    assert (first.activations, first.convention, first.constant) == (NET, MSE, 1.0)
    assert (c.climbing.activations, c.climbing.convention, c.climbing.constant) == (NET, MSE, 1.0)
    assert c.climbing.penalty.kind == "L2" and c.climbing.taus["W1"] > 1 > c.climbing.taus["b1"]


LINE = ("identity",)


def second_steps(part, with_bias=True, kind="L2"):
    """Second steps of a line from zero: the first step's part is in them, as the parameters are that step."""
    some = []
    for o in probes(LINE, (4, 3)):
        zeros = [Layer(np.zeros((4, 3)), np.zeros(3))]
        first = right(zeros, o.x, o.y, LINE)
        layers = [Layer(-0.5 * first["W1"], -0.5 * first["b1"])]
        g = right(layers, o.x, o.y, LINE)
        moved = {n: g[n] - part * (np.sign(v) if kind == "L1" else v) for n, v in tensors(layers).items()}
        if not with_bias:
            moved["b1"] = g["b1"]
        predictions = o.x @ layers[0].W + layers[0].b
        some.append(replace(o, parameters=layers, gradients=moved, predictions=predictions, references={}))
    return some


def test_a_part_of_the_first_step_is_momentum_and_no_penalty():
    verdict = first_right(candidate(second_steps(0.9), recovered=True, start=1, sizes=(4, 3)))
    assert verdict.right and verdict.penalty is None and verdict.activations == LINE
    assert verdict.notes == ("The second step also contains a part of the first one, as momentum has it.",)


@pytest.mark.parametrize(("start", "with_bias", "kind"), [(2, True, "L2"), (1, False, "L2"), (1, True, "L1")])
def test_what_is_no_part_of_the_first_step_is_not_momentum(start, with_bias, kind):
    c = candidate(second_steps(0.9, with_bias, kind), recovered=True, start=start, sizes=(4, 3))
    assert first_right(c) is None and c.climbing is None


def test_away_from_zero_a_climbing_penalty_is_wrong_whatever_the_start():
    some = each(probes(LINE, (4, 3)), lambda n, g, o: g - 0.9 * tensors(o.parameters)[n])
    c = candidate(some, recovered=True, start=1, sizes=(4, 3))
    assert first_right(c) is None and c.climbing.explanations[0].mistake.name == "penalty-sign"
    c = candidate(each(probes(), lambda n, g, o: g - 0.9 * tensors(o.parameters)[n]), recovered=True, start=1)
    assert first_right(c) is None and c.climbing.explanations[0].mistake.name == "penalty-sign"


def test_at_zero_weights_or_on_one_row_no_penalty_is_seen():
    at_zero = [
        replace(o, parameters=[Layer(0 * W, b) for W, b in o.parameters], references={}) for o in probes(LINE, (4, 3))
    ]
    some = [replace(o, gradients=right(o.parameters, o.x, o.y, LINE), predictions=None) for o in at_zero]
    off = each(some, lambda n, g, o: g + (0.1 * o.parameters[0].b if n == "b1" else 0))
    assert first_right(candidate(off, sizes=(4, 3))) is None
    single = [o for o in second_steps(-0.9) if len(o.x) == 1]
    assert first_right(candidate(single, recovered=True, start=1, sizes=(4, 3))) is None
    assert first_right(candidate(single, recovered=True, start=0, sizes=(4, 3))).penalty


# Uphill --------------------------------------------------------------------------------------------------------------


def test_a_likelihood_is_climbed_where_one_is_spoken_of():
    some = each(probes(convention=BY_NAME["bce-sum"]), lambda n, g, o: -g)
    verdict = first_right(candidate(some, source={"ascends": True}))
    assert verdict.right and verdict.convention == BY_NAME["bce-sum"]
    assert verdict.notes == (
        "It points uphill, as the gradient of a likelihood does: add it to the weights, do not subtract it.",
    )
    assert first_right(candidate(some)) is None
    assert first_right(candidate(some, recovered=True, source={"ascends": True})) is None
    squared = each(probes(), lambda n, g, o: -g)
    assert first_right(candidate(squared, source={"ascends": True})) is None
    line = each(probes(("tanh", "identity")), lambda n, g, o: -g)
    assert first_right(candidate(line, source={"ascends": True})) is None


def test_a_likelihood_in_float32_is_held_to_its_bound():
    some = each(probes(convention=BY_NAME["bce-mean"]), lambda n, g, o: -noise(g, 1e-8))
    assert first_right(candidate(some, source={"ascends": True}, asked={"dtype": "float32"})).right
    assert first_right(candidate(some, source={"ascends": True})) is None


# To some digits ------------------------------------------------------------------------------------------------------

SEVEN = (
    "It is right to about seven digits only: an ε in a denominator or a logarithm costs that, and so do differences in "
    "the place of derivatives."
)


def test_seven_digits_are_right_and_six_are_not():
    """Of each tensor's largest entry."""
    verdict = first_right(candidate(each(probes(), lambda n, g, o: noise(g, 0.9e-6))))
    assert verdict.right and verdict.notes == (SEVEN,)
    assert first_right(candidate(each(probes(), lambda n, g, o: noise(g, 2.5e-6)))) is None


@pytest.mark.parametrize("decimals", [1, 4, 8])
def test_rounded_gradients_are_right_to_their_decimals(decimals):
    some = each(probes(convention=BY_NAME["sse"]), lambda n, g, o: np.round(g, decimals))
    verdict = first_right(candidate(some))
    assert verdict.right and verdict.notes == (f"It is rounded to {decimals} decimals.",)
    if decimals < 8:  # beyond, it is a matter of seven digits
        off = each(some, lambda n, g, o: np.round(g + 2 * 10.0**-decimals, decimals) if n == "W2" else g)
        assert first_right(candidate(off)) is None


def test_a_gradient_without_any_number_is_not_right():
    empty = candidate(each(probes(), lambda n, g, o: g[:0] if n == "b1" else g))
    assert first_right(empty) is None and empty.explained.taus["b1"] == np.inf


def test_what_is_cast_or_asked_in_float32_or_demanded_has_lost_no_digits():
    near = each(probes(), lambda n, g, o: noise(g, 3e-7))
    assert first_right(candidate(near)).notes == (SEVEN,)
    assert first_right(candidate(near, source={"float32": True})) is None
    assert first_right(candidate(near, asked=STRICT)) is None
    assert first_right(candidate(each(near, lambda n, g, o: g.astype(np.float32).astype(float)))) is None
    tenths = each(probes(), lambda n, g, o: np.round(g, 1))
    assert first_right(candidate(tenths)).right and first_right(candidate(tenths, asked={"dtype": "float32"})) is None


def test_slack_is_kept_where_digits_are_lost():
    some = each(probes(), lambda n, g, o: noise(g, 3e-6))
    some = [replace(o, slack={"W1": np.full((4, 5), 1.0)}) for o in some]
    assert first_right(candidate(some)) is None
    some = [replace(o, slack={n: 1e-5 * np.max(abs(g), keepdims=True) for n, g in o.gradients.items()}) for o in some]
    assert first_right(candidate(some)).right
