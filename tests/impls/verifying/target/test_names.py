"""Names: what people call things, and what it says of what they hold."""

from __future__ import annotations

import pytest

from samegrad.impls.verifying.target import names


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("W1", ("W", 1, False)),
        ("self.bias2", ("b", 2, False)),
        ("wout", ("W", 99, False)),
        ("bh", ("b", 1, False)),
        ("weights_hidden_output", ("W", 99, False)),
        ("params['W1']", ("W", 1, False)),
        ("grads['W1']", ("W", 1, True)),
        ("self.layers[1].weights", ("W", 1, False)),
        ("dW2", ("W", 2, True)),
        ("gb1", ("b", 1, True)),
        ("bias_output_grad", ("b", 99, True)),
        ("nabla_w[0]", ("W", 0, True)),
        ("hiddenBias", ("b", 1, False)),
        ("batch", None),
        ("beta", None),
        ("best", None),
        ("vW1", None),
        ("width", None),
        ("velocity['W1']", None),
    ],
)
def test_a_name_says_what_it_holds(name, expected):
    parsed = names.tensor(name)
    assert (parsed and tuple(parsed)) == expected


@pytest.mark.parametrize(
    ("name", "role"),
    [("X", "x"), ("x_train", "x"), ("targets", "y"), ("y_true", "y"), ("learning_rate", "rate"), ("eta", "rate"),
     ("n_iters", "epochs"), ("y_hat", "output"), ("grad_output", "upstream"), ("cache", "cache"), ("verbose", "quiet"),
     ("something", None)],
)  # fmt: skip
def test_an_argument_has_a_role(name, role):
    every = ("x", "y", "rate", "epochs", "params", "cache", "output", "upstream", "batch", "seed", "quiet")
    assert names.role(name, every) == role


def test_methods_are_found_by_their_names():
    assert names.methods(["train", "feedForward", "back_propagation"], names.BACKWARD)[0] == "back_propagation"
    assert names.methods(["train", "feedForward"], names.FORWARD) == ["feedForward"]
    assert names.methods(["helper"], names.TRAIN) == []


def test_two_numbers_are_those_of_the_layers_between_which_weights_are():
    """But a zero before the number of the layer is that of a bias: theta0_1 beside theta_1."""
    assert [names.tensor(n)[:2] for n in ("weights_0_1", "w_2_3", "W_mid")] == [("W", 1), ("W", 3), ("W", 1)]
    assert names.tensor("theta0_1").kind == "b"
    read = {n: names.tensor(n) for n in ("weights_2_3", "weights_1_2", "bias_2")}
    assert names.numbered(read) == {"weights_1_2": "W1", "weights_2_3": "W2", "bias_2": "b1"}


@pytest.mark.parametrize("name", ["gradient_check", "numerical_gradient", "plot_training", "testBackprop"])
def test_what_only_looks_at_a_training_is_none(name):
    """It would be called like a gradient, and leaves the weights as they were, to rounding."""
    assert names.DISPLAY.search(names.snake(name))
    assert not names.DISPLAY.search("train") and not names.DISPLAY.search("latest_gradient")
