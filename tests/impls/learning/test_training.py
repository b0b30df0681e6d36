"""Training: four frameworks, one curve; the shadows that say how near is near enough; the document."""

from __future__ import annotations

import importlib
import json

import numpy as np
import pytest

from samegrad.impls.checking.oracle import evaluate
from samegrad.impls.documents.learning import Training
from samegrad.impls.errors import BadInput, Unavailable
from samegrad.impls.learning import shadows, trainer, training
from samegrad.impls.learning.numpy_trainer import NumpyTrainer, gradient
from samegrad.impls.learning.optimizers import OPTIMIZERS
from samegrad.impls.learning.recipes import changed, get_recipe
from samegrad.impls.learning.trainer import TRAINERS
from samegrad.impls.parameters import vector
from samegrad.impls.problem import Problem

LINE = changed(get_recipe("line"), "adam", 0.05, epochs=20)


def in_this_process(target, arguments, **limits):
    """`child.call`, but here, where a planted fault is seen."""
    module, _, name = target.partition(":")
    return json.loads(json.dumps(getattr(importlib.import_module(module), name)(**arguments)))


def planted(monkeypatch, kind):
    """Make `kind` the trainer of `numpy`, in this process."""
    monkeypatch.setattr(training, "call", in_this_process)
    monkeypatch.setattr(training, "load", lambda name, threads=1: type("module", (), {"TRAINER": kind}))


@pytest.mark.slow
def test_all_installed_frameworks_train_to_the_same_curve():
    """On shuffled minibatches, float64: every curve is explained by rounding, and the document is complete."""
    here = [name for name in TRAINERS if trainer.get_entry(name).missing() is None]
    seen = []
    result = training.run(changed(LINE, "rmsprop-centered", 0.05), here, progress=seen.append)
    assert result["left_out"] == {} and [run["implementation"] for run in result["runs"]] == here
    for run in result["runs"]:
        assert run["explained"], run
        assert len(run["losses"]) == len(run["loss_difference"]) == len(run["distance"]) == len(result["epochs"])
        assert len(run["predictions"]) == 3 and len(run["parameters"]) == 2
        assert run["losses"][-1] < run["losses"][0] / 10
    assert set(seen[-1]) == {"shadows", *here} and all("loss" in state for state in seen[-1].values())
    document = json.loads(Training.of(result).encoded())
    assert {key: document[key] for key in ("recipe", "facts", "epochs", "reference", "shadows")} == {
        key: result[key] for key in ("recipe", "facts", "epochs", "reference", "shadows")
    }
    assert [run | {"held_out": None} for run in result["runs"]] == document["runs"]


@pytest.mark.parametrize("name", ["rmsprop-centered", "nesterov"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_numpy_is_explained_in_both_dtypes(name, dtype, monkeypatch):
    """The textbook itself is a right training."""
    monkeypatch.setattr(training, "call", in_this_process)
    result = training.run(changed(get_recipe("xor"), name, epochs=50), ["numpy"], dtype=dtype)
    assert result["runs"][0]["explained"], result["runs"][0]["times_shadow"]


class SlightlyFast(NumpyTrainer):
    """A learning rate that went through float32."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.optimizer.rate = float(np.float32(self.optimizer.rate))


class OwnOrder(NumpyTrainer):
    """Minibatches in an order of its own, once: the first two rows of each are left out."""

    def step(self, x, y):
        super().step(x[2:], y[2:])


@pytest.mark.parametrize("kind", [SlightlyFast, OwnOrder])
def test_an_error_of_its_own_is_distinguished_from_rounding(kind, monkeypatch):
    """A rate that is off by 10⁻⁸, and other minibatches, are more than any shadow's spread."""
    planted(monkeypatch, kind)
    (run,) = training.run(LINE, ["numpy"])["runs"]
    assert not run["explained"] and run["times_shadow"] > 100


@pytest.mark.slow
def test_keras_as_shipped_is_seen_to_part():
    """Its Adam is another function, by a millionth, which the shadows do not explain."""
    pytest.importorskip("keras")
    pytest.importorskip("tensorflow")
    result = training.run(LINE, ["keras-xla"], shipped=True)
    assert result["recipe"]["as_shipped"] and not result["runs"][0]["explained"]


def test_a_framework_that_is_missing_is_left_out_with_the_reason(monkeypatch):
    """The others train."""
    monkeypatch.setattr(training, "call", in_this_process)
    monkeypatch.setattr(
        type(trainer.get_entry("numpy")), "missing", lambda self: "no such thing" * (self.name == "jax-jit") or None
    )
    result = training.run(LINE, ["numpy", "jax-jit"])
    assert result["left_out"] == {"jax-jit": "no such thing"} and len(result["runs"]) == 1


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_rate_that_diverges_is_refused(monkeypatch):
    """Before anything is saved: a loss that is not finite is no curve."""
    monkeypatch.setattr(training, "call", in_this_process)
    with (
        pytest.raises(BadInput, match="the loss does not stay finite at learning rate 1e\\+06"),
        np.errstate(all="ignore"),
    ):
        training.run(changed(get_recipe("line"), learning_rate=1e6, epochs=400), ["numpy"])


class Rootless(NumpyTrainer):
    """From the sixth step on its parameters are no numbers, as where v − m² rounds to less than 0."""

    def step(self, x, y):
        super().step(x, y)
        self.steps = getattr(self, "steps", 0) + 1
        if self.steps > 5:
            self.theta[:] = np.nan


def test_one_that_ends_in_no_number_leaves_the_others_their_curves(monkeypatch):
    """It is reported with the epoch, and is no success."""
    right = {"numpy": NumpyTrainer, "jax-jit": Rootless}
    monkeypatch.setattr(training, "call", in_this_process)
    monkeypatch.setattr(training, "load", lambda name, threads=1: type("module", (), {"TRAINER": right[name]}))
    monkeypatch.setattr(type(trainer.get_entry("numpy")), "missing", lambda self: None)
    result = training.run(changed(get_recipe("xor"), "rmsprop-centered", epochs=20), ["numpy", "jax-jit"])
    assert [run["implementation"] for run in result["runs"]] == ["numpy"]
    assert result["failed"] == {
        "jax-jit": "its loss is no number from epoch 6 on, once v − m² has rounded to less than 0"
    }


@pytest.mark.parametrize("activations", [("sigmoid", "tanh"), ("tanh", "identity"), ("relu", "sigmoid")])
def test_the_manual_gradient_is_the_oracles(activations):
    """Of one network and of several at once, each output of the vector in its place."""
    problem = Problem("probe", (3, 4, 2), activations, lambda batch, seed: (np.empty(0), np.empty(0)))
    random = np.random.default_rng(1)
    x, y = random.standard_normal((5, 3)), random.standard_normal((5, 2))
    several = [problem.parameters(seed) for seed in (1, 2, 3)]
    exact = [vector(evaluate(problem, parameters, x, y).gradients) for parameters in several]
    theta = np.stack([vector(parameters) for parameters in several])
    # Some twenty operations on numbers of order 1 per element.
    np.testing.assert_allclose(gradient(theta, problem, x, y), exact, rtol=0, atol=50 * 2**-52)
    np.testing.assert_allclose(gradient(theta[0], problem, x, y), exact[0], rtol=0, atol=50 * 2**-52)
    weights_only = gradient(theta[0], problem, x, y)
    weights_only[[*range(12, 16), *range(24, 26)]] = 0
    np.testing.assert_array_equal(gradient(theta[0], problem, x, y, biases=False), weights_only)


def test_shadows_are_roundings_apart_and_never_nearer_than_one():
    """After one step each is off by roundings; a spread only grows."""
    recipe = changed(get_recipe("xor"), epochs=30)
    for dtype, u in (("float32", 2**-24), ("float64", 2**-53)):
        result = shadows.measure(recipe, dtype)
        largest = abs(result["theta"][1]).max()
        # One rounding of p, one of λ·g, and those within g: dozens at most.
        assert u * largest <= result["distance_spread"][1] <= 50 * u * largest
        for name in ("loss_spread", "distance_spread"):
            assert (np.diff(result[name]) >= 0).all() and (result[name] > 0).all()


def test_what_amplification_has_drowned_is_not_judged():
    """Where rounding alone moves the loss by more than a hundredth of it, comparison ends."""
    reference = {"losses": np.array([1.0, 0.5, 0.1, 0.1]), "loss_spread": np.array([1e-9, 1e-6, 2e-3, 1e-2])}
    assert training.comparable_until([0, 10, 20, 30], reference) == 10
    reference["loss_spread"][2:] = 1e-5
    assert training.comparable_until([0, 10, 20, 30], reference) == 30


def test_every_optimizer_trains_line(monkeypatch):
    """Each brings the loss down."""
    monkeypatch.setattr(training, "call", in_this_process)
    for name in OPTIMIZERS:
        (run,) = training.run(changed(get_recipe("line"), name, 0.01, epochs=10), ["numpy"])["runs"]
        assert run["explained"] and run["losses"][-1] < run["losses"][0]


class Crashing(NumpyTrainer):
    """Ends in the middle."""

    def predict(self, x):
        raise ZeroDivisionError("a crash")


def test_a_failure_is_no_success(monkeypatch):
    """One that fails beside one that trains is reported as failed; where none trains there is no document."""
    right = {"numpy": NumpyTrainer, "jax-jit": Crashing}
    monkeypatch.setattr(training, "call", reporting_failures)
    monkeypatch.setattr(training, "load", lambda name, threads=1: type("module", (), {"TRAINER": right[name]}))
    monkeypatch.setattr(type(trainer.get_entry("numpy")), "missing", lambda self: None)
    result = training.run(LINE, ["numpy", "jax-jit"])
    assert result["failed"] == {"jax-jit": "a crash"} and len(result["runs"]) == 1
    with pytest.raises(Unavailable, match=r"no implementation could train \(jax-jit: a crash\)"):
        training.run(LINE, ["jax-jit"])


def reporting_failures(target, arguments, **limits):
    """As a process of its own reports an exception."""
    try:
        return in_this_process(target, arguments)
    except ZeroDivisionError as error:
        raise training.Failed("exception", str(error), []) from None
