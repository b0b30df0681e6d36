"""The oracle against differences in 400-digit arithmetic, which need no derivative either and here lose nothing."""

from __future__ import annotations

import warnings

import mpmath
import numpy as np
import pytest

from samegrad.impls.checking import oracle
from samegrad.impls.checking.bound import running_bound
from samegrad.impls.errors import BadInput
from samegrad.impls.parameters import Layer, initial, network, tensors, unflatten, vector
from samegrad.impls.problem import BINARY_CROSS_ENTROPY, CROSS_ENTROPY, LINE, SQUARED, XOR, Problem

FUNCTIONS = {
    "sigmoid": lambda z: 1 / (1 + mpmath.exp(-z)),
    "tanh": mpmath.tanh,
    "relu": lambda z: max(z, mpmath.mpf(0)),
    "identity": lambda z: z,
}


LOSSES = {
    SQUARED: lambda a, y: (a - y) ** 2,
    BINARY_CROSS_ENTROPY: lambda a, y: -y * mpmath.log(a) - (1 - y) * mpmath.log(1 - a),
    CROSS_ENTROPY: lambda a, y: -y * mpmath.log(a),
}


def softmax(z):
    e = np.vectorize(mpmath.exp, otypes=[object])(z)
    return e / e.sum(axis=1, keepdims=True)


def problem(sizes, activations, loss=SQUARED):
    return Problem("net", sizes, activations, lambda batch, seed: (_ for _ in ()).throw(AssertionError), loss)


def exact_loss(net, theta, x, y):
    layers = unflatten(theta, net.sizes)
    a = x
    for (W, b), name in zip(layers, net.activations, strict=True):
        z = a @ W + b
        a = softmax(z) if name == "softmax" else np.vectorize(FUNCTIONS[name], otypes=[object])(z)
    return np.vectorize(LOSSES[net.loss], otypes=[object])(a, y).sum() / y.size


def exact(net, parameters, x, y):
    """Loss and gradients to 50 digits and more: central differences with a step of 10⁻⁶⁰ in 400-digit arithmetic."""
    with mpmath.workdps(400):
        number = np.vectorize(lambda v: mpmath.mpf(float(v)), otypes=[object])
        theta, x, y = number(vector(parameters)), number(x), number(y)
        step, gradient = mpmath.mpf(10) ** -60, []
        for j in range(theta.size):
            left, right = theta.copy(), theta.copy()
            left[j], right[j] = theta[j] - step, theta[j] + step
            gradient.append((exact_loss(net, right, x, y) - exact_loss(net, left, x, y)) / (2 * step))
        loss = float(exact_loss(net, theta, x, y))
        return loss, unflatten(np.array([float(g) for g in gradient]), net.sizes)


NETS = [
    problem((2, 4, 1), ("sigmoid", "sigmoid")),
    problem((1, 1), ("identity",)),
    problem((3, 2, 4), ("tanh", "sigmoid")),
    problem((2, 3, 2, 1), ("relu", "tanh", "identity")),
]


@pytest.mark.parametrize("scale", [1, 10, 100])
@pytest.mark.parametrize("net", NETS, ids=lambda net: "-".join(net.activations))
@pytest.mark.parametrize("seed", range(3))
def test_agrees_with_400_digit_arithmetic(net, scale, seed):
    """Within half of the bound that a float64 computation is allowed; the rest is the implementation's to spend.

    Derivatives below the oracle's resolution may be lost.
    """
    rng = np.random.default_rng(seed)
    x = rng.integers(0, 2, (3, net.sizes[0])) + 0.25 * rng.standard_normal((3, net.sizes[0]))
    y = rng.integers(0, 2, (3, net.sizes[-1])).astype(float)
    parameters = initial(net.sizes, seed, scale)
    actual, bound = oracle.evaluate(net, parameters, x, y), running_bound(net, parameters, x, y, "float64")
    loss, gradients = exact(net, parameters, x, y)
    assert abs(actual.loss - loss) <= 0.5 * bound.loss
    for name, g in tensors(gradients).items():
        allowed = 0.5 * tensors(bound.gradients)[name] + oracle.RESOLUTION
        np.testing.assert_array_less(abs(tensors(actual.gradients)[name] - g), allowed, err_msg=name)


CLASSIFIERS = [
    problem((2, 3, 1), ("tanh", "sigmoid"), BINARY_CROSS_ENTROPY),
    problem((3, 2), ("sigmoid",), BINARY_CROSS_ENTROPY),
    problem((3, 4), ("softmax",), CROSS_ENTROPY),
    problem((2, 4, 3), ("relu", "softmax"), CROSS_ENTROPY),
    problem((2, 3), ("softmax",)),
]


@pytest.mark.parametrize("scale", [1, 10, 100])
@pytest.mark.parametrize("net", CLASSIFIERS, ids=lambda net: f"{net.activations[-1]} {net.loss}")
@pytest.mark.parametrize("certain", [True, False], ids=["one class", "shares"])
def test_cross_entropies_and_softmax_agree_with_400_digit_arithmetic(net, scale, certain):
    """As above, with targets that are a class for each row, or shares of all classes that add up to 1."""
    rng = np.random.default_rng(scale)
    x, k = rng.standard_normal((3, net.sizes[0])), net.sizes[-1]
    y = (
        np.eye(max(k, 2))[rng.integers(0, max(k, 2), 3)][:, :k]
        if certain
        else rng.multinomial(64, np.ones(k + 1) / (k + 1), 3)[:, :k] / 64
    )
    if net.activations[-1] == "softmax" and not certain:
        y[:, -1] += 1 - y.sum(axis=1)
    parameters = initial(net.sizes, 3, scale)
    actual, bound = oracle.evaluate(net, parameters, x, y), running_bound(net, parameters, x, y, "float64")
    loss, gradients = exact(net, parameters, x, y)
    assert abs(actual.loss - loss) <= 0.5 * bound.loss
    for name, g in tensors(gradients).items():
        allowed = 0.5 * tensors(bound.gradients)[name] + oracle.RESOLUTION
        np.testing.assert_array_less(abs(tensors(actual.gradients)[name] - g), allowed, err_msg=name)


@pytest.mark.parametrize("z", [-800.0, -40.0, 0.5, 40.0, 800.0])
@pytest.mark.parametrize("y", [0.0, 1.0])
def test_the_loss_of_a_saturated_sigmoid_keeps_its_digits(z, y):
    """ln(1 + e^z) − y·z in 400 digits; naively it would be the logarithm of 0 from z = 37 on. Some roundings: 8u."""
    net = problem((1, 1), ("sigmoid",), BINARY_CROSS_ENTROPY)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        evaluation = oracle.evaluate(net, [Layer(np.full((1, 1), z), np.zeros(1))], np.ones((1, 1)), np.full((1, 1), y))
    with mpmath.workdps(400):
        expected = float(mpmath.log(1 + mpmath.exp(z)) - y * z)
    np.testing.assert_allclose(evaluation.loss, expected, rtol=8 * 2**-53, atol=abs(z) * 2**-53)  # z is rounded once


def test_a_softmax_is_of_the_row_and_its_rows_add_up_to_1():
    """Of e^z by hand, where one z is far above the others, and the same with 1000 added to each: 16 roundings."""
    net = problem((3, 3), ("softmax",), CROSS_ENTROPY)
    z = np.array([[0.0, 1.0, 2.0], [-3.0, 0.5, 50.0]])
    expected = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    for shift in (0.0, 1000.0):
        evaluation = oracle.evaluate(net, [Layer(np.eye(3), np.full(3, shift))], z, np.eye(3)[:2])
        np.testing.assert_allclose(
            evaluation.predictions, expected, rtol=(16 + 2 * shift) * 2**-53
        )  # z + 1000 is rounded
        np.testing.assert_allclose(evaluation.predictions.sum(axis=1), 1, rtol=(16 + 2 * shift) * 2**-53)


@pytest.mark.parametrize(
    ("activation", "z", "target"), [("sigmoid", 40, 1), ("sigmoid", -40, 0), ("tanh", 20, 1), ("tanh", -20, -1)]
)
def test_saturated_residual_keeps_its_digits(activation, z, target):
    """A unit saturated at its target has a residual far below rounding of 1, and a gradient that is still exact.

    Nothing cancels here: some ten operations of relative error u each give the gradient to 16u.
    """
    net = problem((1, 1), (activation,))
    parameters, x, y = [Layer(np.array([[float(z)]]), np.zeros(1))], np.ones((1, 1)), np.full((1, 1), float(target))
    _, gradients = exact(net, parameters, x, y)
    actual = oracle.evaluate(net, parameters, x, y).gradients
    assert 0 < abs(gradients[0].b[0]) < 1e-30
    np.testing.assert_allclose(actual[0].b, gradients[0].b, rtol=16 * 2**-53)
    np.testing.assert_allclose(actual[0].W, gradients[0].W, rtol=16 * 2**-53)


def test_predictions_of_the_truth_table_by_hand():
    """Weights of ±20 make a network of gates: hidden OR and AND, output OR and not AND."""
    parameters = [
        Layer(np.array([[20.0, 20, 0, 0], [20, 20, 0, 0]]), np.array([-10.0, -30, 0, 0])),
        Layer(np.array([[20.0], [-20], [0], [0]]), np.array([-10.0])),
    ]
    x, y = XOR.data(4)
    evaluation = oracle.evaluate(XOR, parameters, x, y)
    np.testing.assert_array_equal(evaluation.predictions.round(), y)
    # Worst row: hidden units within e⁻¹⁰ of their gate move z by 40·e⁻¹⁰, so that σ is within 1.01·e⁻¹⁰ of the target.
    assert 0 < evaluation.loss < (1.01 * np.exp(-10)) ** 2


def test_pieces_do_not_change_the_result(monkeypatch):
    """Rows and parameters taken in many small pieces give what they give in one, up to the order of summation."""
    x, y = XOR.data(100)
    parameters = XOR.parameters()
    whole = oracle.evaluate(XOR, parameters, x, y)
    monkeypatch.setattr(oracle, "WORKING_SET", 7)
    bound = running_bound(XOR, parameters, x, y, "float64")
    split = oracle.evaluate(XOR, parameters, x, y)
    assert (abs(whole.predictions - split.predictions) <= bound.predictions).all()
    assert abs(whole.loss - split.loss) <= bound.loss
    for name, g in tensors(whole.gradients).items():
        assert (abs(g - tensors(split.gradients)[name]) <= tensors(bound.gradients)[name]).all()


@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "identity"])
def test_no_number_is_too_large_to_be_quiet(activation):
    """Nothing is divided by zero, and nothing overflows, on the way to a gradient that is finite."""
    net = problem((1, 1), (activation,))
    x, y = np.array([[-800.0], [-1.0], [-0.5], [0.0], [0.5], [1.0], [800.0]]), np.zeros((7, 1))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        evaluation = oracle.evaluate(net, [Layer(np.ones((1, 1)), np.zeros(1))], x, y)
    assert np.isfinite(evaluation.gradients[0].W).all()


def test_shapes_and_dtype():
    """Predictions, loss and gradients have the shapes of the problem, in float64."""
    x, y = LINE.data(5)
    evaluation = oracle.evaluate(LINE, LINE.parameters(), x, y)
    assert evaluation.predictions.shape == (5, 1) and evaluation.loss.shape == ()
    assert [(W.shape, b.shape) for W, b in evaluation.gradients] == [((1, 1), (1,))]
    assert {evaluation.predictions.dtype, evaluation.loss.dtype, evaluation.gradients[0].W.dtype} == {
        np.dtype(np.float64)
    }


def test_kink_of_a_relu_is_refused():
    """At z = 0 exactly a ReLU has no derivative, and the oracle says how often rather than take a side."""
    net = problem((1, 1), ("relu",))
    parameters, y = [Layer(np.ones((1, 1)), np.zeros(1))], np.ones((3, 1))
    with pytest.raises(BadInput) as refusal:
        oracle.evaluate(net, parameters, np.array([[0.0], [2.0], [0.0]]), y)
    assert str(refusal.value) == (
        "the gradient does not exist here: 2 preactivation(s) of a ReLU are exactly 0, on its kink; "
        "take another seed, or parameters whose biases are not zero"
    )
    oracle.evaluate(net, parameters, np.array([[1.0], [2.0], [-1.0]]), y)


def test_parameters_of_another_network_are_no_network():
    """A layer too many, or an activation too few, is refused rather than left out."""
    x, y = XOR.data(4)
    with pytest.raises(ValueError):
        oracle.evaluate(problem((2, 4, 1), ("sigmoid",)), XOR.parameters(), x, y)
    with pytest.raises(ValueError):
        running_bound(problem((2, 4, 1), ("sigmoid",)), XOR.parameters(), x, y, "float64")


@pytest.mark.parametrize("z", [1e-12, -1e-12, 1e-3, 0.99, -0.99, 1.01, 5.0, -5.0])
def test_tanh_keeps_its_digits_at_any_size(z):
    """Near the origin tanh z is z, with all its digits; a handful of roundings each, so 8u."""
    net = problem((1, 1), ("tanh",))
    evaluation = oracle.evaluate(net, [Layer(np.array([[z]]), np.zeros(1))], np.ones((1, 1)), np.zeros((1, 1)))
    with mpmath.workdps(40):
        np.testing.assert_allclose(evaluation.predictions[0, 0], float(mpmath.tanh(z)), rtol=8 * 2**-53)


def test_what_is_below_the_resolution_is_lost_and_no_more():
    """At z = −690 the slope is 10⁻³⁰⁰ and its imaginary part underflows; what is lost is within what is declared."""
    net = problem((1, 1), ("sigmoid",))
    parameters, x, y = [Layer(np.array([[-690.0]]), np.zeros(1))], np.ones((1, 1)), np.ones((1, 1))
    _, gradients = exact(net, parameters, x, y)
    error = abs(oracle.evaluate(net, parameters, x, y).gradients[0].b[0] - gradients[0].b[0])
    assert 0 < 1e-9 * abs(gradients[0].b[0]) < error <= oracle.RESOLUTION < 1e-287


def test_pieces_cover_everything_once():
    """In order, none longer than asked, and at least one element each."""
    for count, length in ((10, 3), (9, 3), (2, 5), (4, 0), (1, 1)):
        slices = list(oracle.pieces(count, length))
        assert [i for s in slices for i in range(count)[s]] == list(range(count))
        assert max(s.stop - s.start for s in slices) == min(count, max(1, length))


def stepped(net, parameters, x, y):
    """Loss and gradients by a complex step of every parameter in turn, in one plain function of them all."""

    def total(theta):
        a = x
        for (W, b), activation in zip(unflatten(theta, net.sizes), net.activations, strict=True):
            z = a @ W + b
            asymptote, distance = oracle.PARTS[activation](z)
            a = asymptote + distance
        return np.sum(oracle.TERMS[net.loss](z, (asymptote - y) + distance, y)) / y.size

    theta = vector(parameters)
    steps = 1j * oracle.STEP * np.eye(theta.size)
    return total(theta), unflatten(np.array([total(theta + s).imag / oracle.STEP for s in steps]), net.sizes)


@pytest.mark.parametrize(
    "net",
    [
        *NETS,
        *CLASSIFIERS,
        problem((3, 5, 4, 6, 2), ("tanh", "relu", "sigmoid", "identity")),
        problem((5, 40, 30, 3), ("sigmoid", "tanh", "softmax"), CROSS_ENTROPY),
    ],
    ids=lambda net: f"{'-'.join(map(str, net.sizes))} {net.activations[-1]} {net.loss}",
)
@pytest.mark.parametrize("batch", [1, 4, 900])
def test_following_units_forwards_gives_what_stepping_every_parameter_gives(net, batch, monkeypatch):
    """Within the two roundings' bounds, with rows and units in many pieces (of a wide network fewer rows do)."""
    monkeypatch.setattr(oracle, "WORKING_SET", 2**10)
    batch = min(batch, 4 * 2**10 // max(net.sizes))
    rng = np.random.default_rng(batch)
    x, y = rng.standard_normal((batch, net.sizes[0])), rng.dirichlet(np.ones(net.sizes[-1] + 1), batch)[:, :-1]
    parameters = initial(net.sizes, 1)
    actual, bound = oracle.evaluate(net, parameters, x, y), running_bound(net, parameters, x, y, "float64")
    loss, gradients = stepped(net, parameters, x, y)
    assert abs(actual.loss - loss.real) <= 2 * bound.loss
    for name, g in tensors(gradients).items():
        np.testing.assert_array_less(
            abs(tensors(actual.gradients)[name] - g), 2 * tensors(bound.gradients)[name] + 1e-300, err_msg=name
        )


@pytest.mark.parametrize("net", NETS, ids=lambda net: "-".join(net.activations))
@pytest.mark.parametrize("limit", [oracle.WORKING_SET, 40])
@pytest.mark.parametrize("rows", [9, 1])
def test_several_networks_are_each_what_they_are_alone(net, limit, rows, monkeypatch):
    """Truth and bound, in pieces of the networks and of the rows too; with more rows than units, and with fewer."""
    monkeypatch.setattr(oracle, "WORKING_SET", limit)
    rng = np.random.default_rng(5)
    several = initial(net.sizes, seed=5, networks=7)
    x, y = rng.standard_normal((rows, net.sizes[0])), rng.standard_normal((rows, net.sizes[-1]))
    for evaluate in (oracle.evaluate, lambda *of: running_bound(*of, "float32")):
        together = evaluate(net, several, x, y)
        for number in range(7):
            alone = evaluate(net, network(several, number), x, y)
            np.testing.assert_allclose(together.predictions[number], alone.predictions, rtol=1e-13)
            np.testing.assert_allclose(together.loss[number], alone.loss, rtol=1e-13)
            for name, expected in tensors(alone.gradients).items():
                actual = tensors(together.gradients)[name][number]
                np.testing.assert_allclose(actual, expected, rtol=1e-12, atol=1e-13 * abs(expected).max())
