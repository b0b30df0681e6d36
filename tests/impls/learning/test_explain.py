"""`samegrad explain`: its numbers against scalar arithmetic, its check against a planted mistake."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner

from samegrad.impls.errors import BadInput
from samegrad.impls.learning import explain
from samegrad.impls.learning.explain_command import explain_command


def scalar_backpropagation(recipe):
    """Every quantity by loops over single numbers, written from the definition of the derivative of each unit."""
    (W1, b1), (W2, b2) = recipe.parameters
    n, (n_in, n_hidden, n_out) = len(recipe.x), recipe.problem.sizes
    actual = {name: np.zeros((n, n_hidden)) for name in ("a1", "δ1")} | {
        name: np.zeros((n, n_out)) for name in ("a2", "δ2")
    }
    dW1, dW2, db1, db2 = (np.zeros(np.shape(p)) for p in (W1, W2, b1, b2))
    loss = 0.0
    for r in range(n):
        for h in range(n_hidden):
            z = sum(recipe.x[r, i] * W1[i, h] for i in range(n_in)) + b1[h]
            actual["a1"][r, h] = 1 / (1 + math.exp(-z))
        for o in range(n_out):
            z = sum(actual["a1"][r, h] * W2[h, o] for h in range(n_hidden)) + b2[o]
            a = actual["a2"][r, o] = 1 / (1 + math.exp(-z))
            loss += (a - recipe.y[r, o]) ** 2 / (n * n_out)
            delta = actual["δ2"][r, o] = 2 * (a - recipe.y[r, o]) / (n * n_out) * a * (1 - a)
            db2[o] += delta
            for h in range(n_hidden):
                dW2[h, o] += actual["a1"][r, h] * delta
        for h in range(n_hidden):
            a = actual["a1"][r, h]
            delta = actual["δ1"][r, h] = sum(W2[h, o] * actual["δ2"][r, o] for o in range(n_out)) * a * (1 - a)
            db1[h] += delta
            for i in range(n_in):
                dW1[i, h] += recipe.x[r, i] * delta
    rate = recipe.settings.learning_rate
    actual |= {"loss": loss, "∂L/∂W1": dW1, "∂L/∂W2": dW2, "W1": W1 - rate * dW1, "W2": W2 - rate * dW2}
    return actual | {"∂L/∂b1": db1, "∂L/∂b2": db2, "b1": b1 - rate * db1, "b2": b2 - rate * db2}


@pytest.mark.parametrize("name", explain.EXPLAINED)
def test_the_numbers_are_those_of_scalar_arithmetic(name):
    """Every step; slides has no biases to show, xor has them."""
    recipe = explain.get_recipe(name, None, None, 0.7)
    exact = scalar_backpropagation(recipe)
    actual = explain.steps(recipe)
    assert [step.number for step in actual] == sorted(step.number for step in actual)
    assert {step.number for step in actual} == {0, 1, 2, 3, 4}
    assert any(step.name == "∂L/∂b1" for step in actual) is recipe.biases
    for step in actual:
        if step.name in exact:
            # A dozen roundings of numbers below 2.
            np.testing.assert_allclose(step.value, exact[step.name], rtol=0, atol=24 * 2**-53, err_msg=step.name)


@pytest.mark.slow
@pytest.mark.parametrize("name", explain.EXPLAINED)
def test_every_intermediate_quantity_is_checked_against_the_frameworks(name):
    """Deltas, gradients and updates by the complex step and by each framework that is here; all agree."""
    recipe = explain.get_recipe(name, None, None, None)
    actual = explain.steps(recipe)
    rows, left_out = explain.check(recipe, actual)
    assert all(row["agrees"] for row in rows), rows
    by = {row["against"]: {r["quantity"] for r in rows if r["against"] == row["against"]} for row in rows}
    assert {"δ1", "δ2", "∂L/∂W1", "∂L/∂W2", "W1", "W2"} <= by["complex step"]
    assert set(by) | set(left_out) == {"complex step", "torch-eager", "jax-jit", "keras-xla"}
    for name in set(by) - {"complex step"}:
        assert by[name] == {step.name for step in actual}


def test_a_mistake_in_one_quantity_is_found_there(monkeypatch):
    """Planted in the hidden delta, by a relative 10⁻¹²; the quantities before it still agree."""
    monkeypatch.setattr(explain, "TRAINERS", {})
    recipe = explain.get_recipe("slides", None, None, None)
    actual = [
        replace(step, value=step.value * (1 + 1e-12)) if step.name == "δ1" else step for step in explain.steps(recipe)
    ]
    rows, _ = explain.check(recipe, actual)
    assert [row["quantity"] for row in rows if not row["agrees"]] == ["δ1"]


def test_a_row_of_ones_own_saturated_ones_too(monkeypatch):
    """Inputs of 10³ overflow nothing and still agree with the complex step."""
    monkeypatch.setattr(explain, "TRAINERS", {})
    for x in ([1000.0, -2000.0], [0.0, 0.0], [-1000.0, -1000.0]):
        recipe = explain.get_recipe("slides", x, [0.2, 0.9], 0.1)
        rows, _ = explain.check(recipe, explain.steps(recipe))
        assert all(row["agrees"] for row in rows), rows


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        (("line", None, None, None), "unknown network to explain 'line'; allowed: slides, xor"),
        (("slides", [1.0], [1.0, 0.0], None), "--x takes 2 numbers for slides, found 1"),
        (("xor", [1.0, 0.0], None, None), "give both or neither"),
        (("xor", [1.0, float("nan")], [1.0], None), "--x takes finite numbers"),
    ],
)
def test_nonsense_is_refused(wish, message):
    """In one line."""
    with pytest.raises(BadInput, match=message):
        explain.get_recipe(*wish)


def test_the_command_prints_the_four_steps_in_order():
    """Titles, equations and numbers; the weights of slides appear in our layout."""
    done = CliRunner().invoke(explain_command, ["slides", "--no-check"])
    assert done.exit_code == 0, done.output
    titles = [f"Step {n}: {t}" for n, t in enumerate(("Output delta", "Hidden delta", "Weight gradients", "Update"), 1)]
    places = [done.output.index(title) for title in titles]
    assert places == sorted(places)
    assert "δ₁ = ∂L/∂z₁ = δ₂ W₂ᵀ ∘ a₁ ∘ (1 − a₁)" in done.output and "0.1  0.3" in done.output
