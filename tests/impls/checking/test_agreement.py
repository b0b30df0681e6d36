"""Agreement finds what is planted, names it, and lets nothing pass that is not a number of the right kind."""

from __future__ import annotations

import math
import re
import warnings

import numpy as np
import pytest

from samegrad.impls.checking.agreement import Agreement, Disagreement, Reference, allowance, require, worst_tau
from samegrad.impls.checking.bound import running_bound, step_bound
from samegrad.impls.checking.oracle import RESOLUTION
from samegrad.impls.errors import BadInput
from samegrad.impls.on_numpy.manual import NumpyManual
from samegrad.impls.parameters import Layer, tensors
from samegrad.impls.problem import LINE, XOR, Problem
from samegrad.impls.task import Task

PROBE = Problem(
    "probe",
    (3, 4, 2),
    ("sigmoid", "sigmoid"),
    lambda batch, seed: tuple(np.random.default_rng(seed).random((batch, width)) for width in (3, 2)),
)
"""Every dimension distinct, so that a transposition changes a shape, and reshaped values land elsewhere."""
RATE = 0.1


def reference(problem=PROBE, dtype="float32", batch=5, seed=1):
    x, y = problem.data(batch, seed)
    return Reference(problem, problem.parameters(seed), x, y, dtype)


def results(problem=PROBE, dtype="float32", batch=5, seed=1):
    """What the manual NumPy implementation returns, as copies to tamper with."""
    subject = NumpyManual()
    subject.prepare(Task(problem, problem.parameters(seed), batch, dtype, seed=seed))
    predictions = subject.forward().copy()
    loss, gradients = subject.value_and_grad()
    pair = np.array(loss), [Layer(W.copy(), b.copy()) for W, b in gradients]
    loss, moved = subject.train_step(RATE)
    return predictions, pair, (np.array(loss), [Layer(W.copy(), b.copy()) for W, b in moved])


def disagreeing(agreements):
    return {agreement.tensor for agreement in agreements if not agreement.agrees}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("problem", [XOR, LINE, PROBE], ids=lambda problem: problem.name)
def test_right_results_agree_in_every_pass(problem, dtype):
    """All three passes of the manual implementation are within the bound, and require says nothing."""
    predictions, gradients, step = results(problem, dtype)
    truth = reference(problem, dtype)
    for agreements in (
        truth.agree("forward", predictions),
        truth.agree("value_and_grad", gradients),
        truth.agree("train_step", step, RATE),
    ):
        assert worst_tau(agreements) <= 1
        require(agreements, implementation="numpy", case="here")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("layer", [0, 1])
@pytest.mark.parametrize("kind", [0, 1])
@pytest.mark.parametrize(
    "mistake",
    [
        lambda g: -g,
        lambda g: 2 * g,
        lambda g: g / 2,
        lambda g: 0 * g,
        lambda g: g[::-1].copy(),
        lambda g: g + g.dtype.type(1e-3),
    ],
    ids=["sign", "factor 2", "half", "missing", "reversed", "shifted"],
)
def test_a_wrong_gradient_is_named(dtype, layer, kind, mistake):
    """One mistaken tensor is reported, and no other."""
    _, (loss, gradients), _ = results(dtype=dtype)
    tensors = list(gradients[layer])
    tensors[kind] = mistake(tensors[kind])
    gradients[layer] = Layer(*tensors)
    agreements = reference(dtype=dtype).agree("value_and_grad", (loss, gradients))
    name = "Wb"[kind] + str(layer + 1)
    assert disagreeing(agreements) == {name}
    with pytest.raises(Disagreement, match=rf"numpy disagrees at probe value_and_grad: {name}\["):
        require(agreements, implementation="numpy", case="probe value_and_grad")


@pytest.mark.parametrize("layer", [0, 1])
def test_a_transposed_gradient_is_named(layer):
    """By its shape if it stays transposed, and by its values if it was then reshaped to fit."""
    _, (loss, gradients), _ = results()
    W, b = gradients[layer]
    for wrong, reason in ((W.T, "has shape"), (W.T.reshape(W.shape), "should be")):
        gradients[layer] = Layer(wrong, b)
        agreements = reference().agree("value_and_grad", (loss, gradients))
        assert disagreeing(agreements) == {f"W{layer + 1}"}
        with pytest.raises(Disagreement, match=rf"W{layer + 1}.* {reason}"):
            require(agreements, implementation="numpy", case="probe")


def test_a_wrong_loss_and_wrong_predictions_are_named():
    """The half of the loss, and one prediction that is off in its fifth digit."""
    predictions, (loss, gradients), _ = results()
    assert disagreeing(reference().agree("value_and_grad", (loss / 2, gradients))) == {"loss"}
    predictions[3, 1] *= np.float32(1 + 1e-4)
    (agreement,) = reference().agree("forward", predictions)
    assert not agreement.agrees and agreement.index == (3, 1) and agreement.found == predictions[3, 1]


@pytest.mark.parametrize("wrong", [lambda p: p + 1e-5, np.negative], ids=["shifted", "sign"])
def test_a_wrong_step_is_named(wrong):
    """Parameters after a step are compared within the bound as well, and so is a step of another learning rate."""
    _, _, (loss, moved) = results(dtype="float64")
    truth = reference(dtype="float64")
    tampered = [moved[0], Layer(moved[1].W, wrong(moved[1].b))]
    assert disagreeing(truth.agree("train_step", (loss, tampered), RATE)) == {"b2"}
    assert disagreeing(truth.agree("train_step", (loss, moved), 2 * RATE)) == {"W1", "b1", "W2", "b2"}
    unmoved = [Layer(W.copy(), b.copy()) for W, b in truth.parameters]
    assert disagreeing(truth.agree("train_step", (loss, unmoved), RATE)) == {"W1", "b1", "W2", "b2"}


def test_the_message_says_everything():
    """Implementation, case, tensor, index, found, expected, tolerance, τ; then what else disagrees, in short."""
    _, (loss, gradients), _ = results(dtype="float64")
    gradients[1].W[3, 0] *= 2
    gradients[0] = Layer(gradients[0].W, gradients[0].b.astype(np.float32))
    gradients[1].b[0] *= 1 + 1e-9
    with pytest.raises(Disagreement) as caught:
        require(
            reference(dtype="float64").agree("value_and_grad", (loss, gradients)),
            implementation="mine",
            case="probe batch=5",
        )
    number = r"[\d.e+]+"
    assert re.fullmatch(
        "mine disagrees at probe batch=5: b1 has dtype float32, but should have float64; "
        rf"so do W2 \(τ = {number}\), b2 \(τ = {number}\)",
        str(caught.value),
    )

    gradients[0] = results(dtype="float64")[1][1][0]
    gradients[1].b[0] /= 1 + 1e-9
    with pytest.raises(Disagreement) as caught:
        require(
            reference(dtype="float64").agree("value_and_grad", (loss, gradients)),
            implementation="mine",
            case="probe batch=5",
        )
    expected = reference(dtype="float64").truth.gradients[1].W[3, 0]
    (worst,) = caught.value.args
    tolerance = reference(dtype="float64").bounds.gradients[1].W[3, 0]
    assert worst == (
        f"mine disagrees at probe batch=5: W2[3, 0] is {2 * expected:.9g}, but should be {expected:.9g} "
        f"(tolerance {tolerance:.2g}, derived rounding bound; τ = {abs(expected) / tolerance:.2g})"
    )

    with pytest.raises(Disagreement, match=r"^mine disagrees at probe: loss is "):
        require(
            reference(dtype="float64").agree("value_and_grad", (2 * loss, results(dtype="float64")[1][1])),
            implementation="mine",
            case="probe",
        )


@pytest.mark.parametrize("poison", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("tensor", ["loss", "W1", "b1", "W2", "b2"])
def test_a_number_that_is_none_never_passes(poison, tensor):
    """NaN and infinities are infinitely wrong, wherever they are."""
    _, (loss, gradients), _ = results()
    if tensor == "loss":
        loss = np.array(poison, np.float32)
    else:
        gradients[int(tensor[1]) - 1]["Wb".index(tensor[0])].flat[-1] = poison
    agreements = reference().agree("value_and_grad", (loss, gradients))
    assert disagreeing(agreements) == {tensor} and worst_tau(agreements) == math.inf
    with pytest.raises(Disagreement, match=f"{tensor}.* is (nan|inf|-inf), but should be"):
        require(agreements, implementation="numpy", case="probe")


def test_results_of_another_form_are_disagreements():
    """Missing, surplus and misshapen tensors, other dtypes, and things that are no result at all."""
    predictions, (loss, gradients), _ = results()
    truth = reference()

    def faults(pass_name, result):
        return {a.tensor: a.fault for a in truth.agree(pass_name, result) if not a.agrees}

    assert faults("forward", None) == {"predictions": "is missing"}
    assert faults("forward", predictions[:4]) == {"predictions": "has shape (4, 2), but should have (5, 2)"}
    assert faults("forward", predictions.astype(float)) == {"predictions": "has dtype float64, but should have float32"}
    assert faults("value_and_grad", loss) == {"result": "should be a pair of loss and parameters, but is a ndarray"}
    assert faults("value_and_grad", (loss, gradients, 3))["result"].endswith("but is a tuple of 3")
    assert faults("value_and_grad", (loss, gradients[:1])) == {"W2": "is missing", "b2": "is missing"}
    assert faults("value_and_grad", (loss, [gradients[0], Layer(gradients[1].W, None)])) == {"b2": "is missing"}
    too_many = "is one tensor too many: the network has no such layer"
    assert faults("value_and_grad", (loss, [*gradients, gradients[0]])) == {"W3": too_many, "b3": too_many}
    assert set(faults("value_and_grad", (loss, None))) == {"W1", "b1", "W2", "b2"}
    assert faults("value_and_grad", (loss, [gradients[0][:1], gradients[1]])) == {"b1": "is missing"}
    assert faults("value_and_grad", (loss.reshape(1), gradients)) == {"loss": "has shape (1,), but should have ()"}
    assert faults("value_and_grad", (float(loss), gradients)) == {"loss": "has dtype float64, but should have float32"}


def test_the_line_is_at_one():
    """Nine tenths of the tolerance off is agreement, eleven tenths is not; τ says which, and 1 itself still agrees."""
    truth = reference(XOR, "float32")
    _, (_, gradients), _ = results(XOR, "float32")
    exact, allowed = truth.truth.loss, truth.bounds.loss
    half_ulp = np.spacing(np.float32(exact)) / 2 / allowed  # the loss handed in is rounded to float32
    for share in (0.9, 1.1):
        loss = np.array(exact + share * allowed, np.float32)
        (agreement,) = (a for a in truth.agree("value_and_grad", (loss, gradients)) if a.tensor == "loss")
        assert agreement.tau == pytest.approx(share, abs=half_ulp) and half_ulp < 0.1
        assert agreement.agrees == (share < 1)
    assert Agreement("loss", 1.0).agrees and not Agreement("loss", np.nextafter(1.0, 2)).agrees


def test_the_reference_pays_for_its_own_rounding():
    """A step rounded once, p − λg fused, is right, though in float64 it may be an ULP from the reference's own step.

    In float32, where the reference does not round, the bound of one computation is enough.
    """
    wide = np.longdouble  # holds p − λg of float64 numbers to 11 more bits: rounding it is rounding once
    for problem in (XOR, LINE):
        for seed in range(300):
            truth = reference(problem, "float64", 4, seed)
            _, (loss, gradients), _ = results(problem, "float64", 4, seed)
            pairs = zip(truth.parameters, gradients, strict=True)
            fused = [
                Layer(
                    *(
                        (p.astype(wide) - wide(RATE) * g.astype(wide)).astype(float)
                        for p, g in zip(*layers, strict=True)
                    )
                )
                for layers in pairs
            ]
            assert worst_tau(truth.agree("train_step", (loss, fused), RATE)) <= 1


@pytest.mark.parametrize(("dtype", "parties"), [("float32", 1), ("float64", 2)])
def test_what_is_allowed_is_the_bound_of_each_party(dtype, parties):
    """Of predictions, loss, gradients and stepped parameters; for gradients the oracle's resolution beside it."""
    truth = reference(XOR, dtype, 4, 1)
    own = running_bound(XOR, truth.parameters, *XOR.data(4, 1), dtype)
    allowed = allowance(XOR, truth.parameters, *XOR.data(4, 1), dtype)
    assert np.array_equal(allowed.predictions, parties * own.predictions) and allowed.loss == parties * own.loss
    for name, bound in tensors(allowed.gradients).items():
        assert np.array_equal(bound, parties * tensors(own.gradients)[name] + RESOLUTION)
        assert np.array_equal(bound, tensors(truth.bounds.gradients)[name])
    stepped = tensors(step_bound(truth.parameters, truth.truth.gradients, own.gradients, RATE, dtype))
    for agreement in truth.agree("train_step", results(XOR, dtype, 4, 1)[2], RATE)[1:]:
        expected = parties * stepped[agreement.tensor][agreement.index]
        assert agreement.tolerance == pytest.approx(expected, rel=1e-15, abs=0)  # halved and doubled again


def test_what_is_exact_must_be_exact():
    """A ReLU that is surely off gives 0 with no rounding at all: 0 agrees, and anything else is infinitely wrong."""
    off = Problem("off", (1, 1), ("relu",), lambda batch, seed: (np.ones((batch, 1)), np.zeros((batch, 1))))
    truth = Reference(off, [Layer(np.full((1, 1), -1.0), np.full(1, -1.0))], *off.data(3, 1), "float64")
    zero, off_by_little = np.zeros((3, 1)), np.zeros((3, 1))
    off_by_little[1] = 1e-300
    assert worst_tau(truth.agree("forward", zero)) == 0
    (agreement,) = truth.agree("forward", off_by_little)
    assert agreement.tau == math.inf and agreement.index == (1, 0)


def test_what_is_beyond_all_bounds_is_quiet():
    """1e300 where next to nothing is allowed, infinities and NaN: τ is infinite, without a warning of overflow."""
    off = Problem("off", (1, 1), ("relu",), lambda batch, seed: (np.ones((batch, 1)), np.zeros((batch, 1))))
    truth = Reference(off, [Layer(np.full((1, 1), -1.0), np.full(1, -1.0))], *off.data(1, 1), "float64")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for value in (1e300, np.inf, np.nan):
            actual = [Layer(np.full((1, 1), value), np.full(1, value))]
            assert worst_tau(truth.agree("value_and_grad", (np.zeros(()), actual))) == math.inf


def test_the_oracle_claims_no_more_than_it_sees():
    """Gradients smaller than its resolution are 0 to it, and not called an error."""
    off = Problem("off", (1, 1), ("relu",), lambda batch, seed: (np.ones((batch, 1)), np.zeros((batch, 1))))
    truth = Reference(off, [Layer(np.full((1, 1), -1.0), np.full(1, -1.0))], *off.data(1, 1), "float64")
    for size, agrees in ((RESOLUTION / 2, True), (1e3 * RESOLUTION, False)):
        actual = [Layer(np.full((1, 1), size), np.full(1, size))]
        agreements = truth.agree("value_and_grad", (np.zeros(()), actual))
        assert {a.tensor: a.agrees for a in agreements} == {"loss": True, "W1": agrees, "b1": agrees}


def test_errors_in_ulp():
    """A prediction moved by 7 units in the last place is 7 ULP away from where it was, and the median does not move."""
    truth = reference(LINE, "float64")
    exact = truth.truth.predictions.copy()
    moved = exact.copy()
    moved[2, 0] += 7 * np.spacing(abs(exact[2, 0]))
    (agreement,) = truth.agree("forward", moved)
    assert (agreement.error_ulp_worst, agreement.error_ulp_median, agreement.index) == (7, 0, (2, 0))


def test_errors_in_ulp_are_of_the_dtype():
    """A unit in the last place of float32, and at 0 of its smallest normal number."""
    off = Problem("off", (1, 1), ("relu",), lambda batch, seed: (np.ones((batch, 1)), np.zeros((batch, 1))))
    truth = Reference(off, [Layer(np.full((1, 1), 2.0), np.full(1, 1.0))], *off.data(1, 1), "float32")
    (agreement,) = truth.agree("forward", np.full((1, 1), 3 + 7 * np.spacing(np.float32(3)), np.float32))
    assert agreement.error_ulp_worst == 7
    truth = Reference(off, [Layer(np.full((1, 1), -2.0), np.full(1, -1.0))], *off.data(1, 1), "float32")
    (agreement,) = truth.agree("forward", np.full((1, 1), 5 * np.finfo(np.float32).smallest_subnormal))
    assert agreement.error_ulp_worst == 5


def test_the_reference_sees_what_the_implementation_sees():
    """Parameters and data are rounded to the dtype first: 0.1 in float32 is not 0.1, and that is not an error."""
    x, y = np.full((1, 1), 0.1), np.full((1, 1), 0.3)
    truth = Reference(LINE, [Layer(np.full((1, 1), 0.7), np.full(1, 0.2))], x, y, "float32")
    x32, W32, b32 = (float(np.float32(v)) for v in (0.1, 0.7, 0.2))
    assert truth.truth.predictions[0, 0] == x32 * W32 + b32 != 0.1 * 0.7 + 0.2


def test_bad_requests_are_refused():
    """Unknown dtypes and passes, a step without its learning rate, and numbers that overflow."""
    x, y = LINE.data(4)
    with pytest.raises(BadInput, match=r"^unknown dtype .float16.*allowed: float32, float64"):
        Reference(LINE, LINE.parameters(), x, y, "float16")
    with pytest.raises(BadInput, match="unknown pass 'backward'"):
        reference().agree("backward", None)
    with pytest.raises(BadInput, match=r"^a train_step can be checked only with the learning rate that it took$"):
        reference().agree("train_step", results()[2])
    with pytest.raises(BadInput, match="overflows for these numbers"), np.errstate(over="ignore", invalid="ignore"):
        Reference(LINE, LINE.parameters(scale=1e200), x, y, "float64")
