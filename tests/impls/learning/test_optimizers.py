"""The optimizers: the textbook against closed forms in 40 digits, each framework's own against the textbook."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest
from click.testing import CliRunner

from samegrad.impls.documents.optimizers import Optimizers
from samegrad.impls.errors import BadInput
from samegrad.impls.learning import open_loop, optimizers, training
from samegrad.impls.learning.open_loop import apart, gradients, run
from samegrad.impls.learning.optimizers import OPTIMIZERS, Conventions, Settings
from samegrad.impls.learning.optimizers_command import optimizers_command
from samegrad.impls.learning.trainer import TRAINERS, select
from samegrad.impls.registry import get_entry

STEPS = 30


def unrolled(settings, start, given):
    """The last parameters in 40 digits, every state written as the sum over all gradients that its recursion means."""
    mu, rho, b1, b2 = map(mpmath.mpf, (settings.momentum, settings.rho, settings.beta_1, settings.beta_2))
    rate, epsilon = mpmath.mpf(settings.learning_rate), mpmath.mpf(settings.epsilon)
    g = [mpmath.mpf(float(value)) for value in given]
    p = mpmath.mpf(float(start))
    for t in range(1, len(g) + 1):

        def average(decay, power, t=t):
            return (1 - decay) * mpmath.fsum(decay ** (t - i) * g[i - 1] ** power for i in range(1, t + 1))

        velocity = mpmath.fsum(mu ** (t - i) * g[i - 1] for i in range(1, t + 1))
        match settings.name:
            case "sgd":
                move = g[t - 1]
            case "momentum":
                move = velocity
            case "nesterov":
                move = g[t - 1] + mu * velocity
            case "rmsprop":
                move = g[t - 1] / (mpmath.sqrt(average(rho, 2)) + epsilon)
            case "rmsprop-centered":
                move = g[t - 1] / (mpmath.sqrt(average(rho, 2) - average(rho, 1) ** 2) + epsilon)
            case "adam":
                corrected = mpmath.sqrt(average(b2, 2) / (1 - b2**t))
                move = average(b1, 1) / (1 - b1**t) / (corrected + epsilon)
        p -= rate * move
    return p


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_textbook_is_its_equations(name):
    """Against sums in 40 digits, with hyperparameters that are nobody's defaults."""
    settings = Settings(name, 0.03, momentum=0.7, rho=0.8, beta_1=0.85, beta_2=0.95, epsilon=1e-3)
    start, given = gradients(STEPS, seed=5, dtype="float64")
    actual = optimizers.follow(settings, start, given, np.full(STEPS, 0.03))[-1]
    with mpmath.workdps(40):
        for column in range(3):
            exact = unrolled(settings, start[column], given[:, column])
            # A few roundings per step of parameters and moves of order 1.
            assert abs(mpmath.mpf(float(actual[column])) - exact) < 10 * STEPS * 2**-53


def test_a_learning_rate_that_changes_acts_from_its_step_on():
    """Rates are per step: the second half of a run at half the rate moves half as far (plain descent)."""
    start, given = gradients(2, seed=1, dtype="float64")
    path = optimizers.follow(Settings("sgd", 1.0), start, given, np.array([1.0, 0.5]))
    np.testing.assert_array_equal(path[0], start - given[0])
    np.testing.assert_array_equal(path[1], path[0] - 0.5 * given[1])


def test_a_gradient_of_zero_moves_nothing():
    """0/(√0 + ε) = 0, in every optimizer: no NaN from a parameter that was never used."""
    for name in OPTIMIZERS:
        path = optimizers.follow(Settings(name), np.ones(2), np.zeros((3, 2)), np.full(3, 0.01))
        np.testing.assert_array_equal(path, 1.0)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_dtype_is_kept(dtype):
    """No constant widens float32."""
    start, given = gradients(3, seed=1, dtype=dtype)
    for name in OPTIMIZERS:
        assert optimizers.follow(Settings(name), start, given, np.full(3, 0.01)).dtype == dtype


@pytest.mark.parametrize(
    ("conventions", "name"),
    [
        ({"epsilon": 1e-7}, "adam"),
        ({"epsilon_inside": True}, "rmsprop"),
        ({"epsilon_inside": True}, "rmsprop-centered"),
        ({"epsilon_hat": True}, "adam"),
        ({"float32_powers": True}, "adam"),
        ({"float32_momentum": True}, "nesterov"),
    ],
)
def test_each_convention_is_a_different_function(conventions, name):
    """Much farther than rounding from the textbook, so that a wrong reason cannot pass for the right one."""
    start, given = gradients(100, seed=1, dtype="float64")
    rates = np.full(100, 0.01)
    plain = optimizers.follow(Settings(name), start, given, rates)
    assert apart(optimizers.follow(Settings(name), start, given, rates, Conventions(**conventions)), plain) > 1e-9


def test_where_the_rate_is_kept_matters_only_when_it_changes():
    """v ← μ·v + λ·g is momentum as long as λ stays, to rounding, and another function when it is halved."""
    start, given = gradients(100, seed=1, dtype="float64")
    inside = Conventions(rate_inside=True)
    for rates, differs in ((np.full(100, 0.01), False), (np.repeat([0.01, 0.005], 50), True)):
        one, other = (
            optimizers.follow(Settings("momentum"), start, given, rates, conventions)
            for conventions in (optimizers.TEXTBOOK, inside)
        )
        assert (apart(one, other) > 1e-3) is differs
        assert differs or apart(one, other) < 5e-15


@pytest.mark.slow
@pytest.mark.parametrize("name", TRAINERS)
def test_each_framework_aligned_is_the_textbook_and_shipped_departs_for_the_reasons_named(name):
    """In float64 over 100 steps: aligned ≤ 5e-15; as shipped, the textbook with the named conventions is met again."""
    for package in get_entry(name).packages:
        pytest.importorskip(package)
    result = run([name])
    assert result["left_out"] == {} and Optimizers.of(result).wrong == []
    assert {row["optimizer"] for row in result["rows"]} == set(OPTIMIZERS)
    for row in result["rows"]:
        assert row["aligned"] <= 5e-15
        assert row["unexplained"] <= 5e-15
        if row["reasons"]:
            assert row["shipped"] > 1e-9 and all(reason["alone"] > 1e-9 for reason in row["reasons"])
        else:
            assert row["shipped"] <= 5e-15


def test_an_optimizer_that_is_aligned_in_name_only_is_reported(monkeypatch):
    """Planted: a trainer whose β₂ passed through float32 is 10⁻⁶ off and named."""
    from samegrad.impls.learning import numpy_trainer

    def careless(settings, start, given, rates, shipped=False):
        return optimizers.follow(settings, start, given, rates, Conventions(float32_powers=True))

    monkeypatch.setattr(numpy_trainer, "follow", careless)
    monkeypatch.setattr(training, "call", lambda target, arguments, **limits: open_loop.measure(**arguments))
    result = run(["numpy"])
    assert [line.split(" is ")[0] for line in Optimizers.of(result).wrong] == ["adam of numpy"]


@pytest.mark.parametrize(
    "bad",
    [{"learning_rate": 0.0}, {"learning_rate": float("nan")}, {"momentum": 1.0}, {"beta_2": -0.1}, {"epsilon": 0.0}],
)
def test_impossible_hyperparameters_are_refused(bad):
    """By name, with the value found."""
    with pytest.raises(BadInput, match=next(iter(bad))):
        Settings("adam", **bad)
    with pytest.raises(BadInput, match=r"unknown optimizer 'adma'.*adam"):
        Settings("adma")


def test_implementations_are_selected_by_name_framework_and_pattern():
    """In one order, each once; one that does not train is refused with those that do."""
    assert select("all") == list(TRAINERS)
    assert select("torch, numpy,*jax*") == ["numpy", "torch-eager", "jax-jit"]
    for nonsense in ("c-floor", "", "tosch-eager"):
        with pytest.raises(BadInput, match="torch-eager"):
            select(nonsense)


def test_the_command_shows_both_tables(monkeypatch, tmp_path):
    """`samegrad optimizers` on NumPy alone: exit status 0, both titles and every optimizer."""
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(optimizers_command, ["--implementations", "numpy", "--steps", "5"])
    assert done.exit_code == 0, done.output
    assert "As shipped" in done.output and "Aligned" in done.output
    assert all(name in done.output for name in OPTIMIZERS)
