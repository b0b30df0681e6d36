"""Backpropagation with its numbers, one equation at a time, and every quantity compared with autodiff.

For a network of two layers, z₁ = xW₁ + b₁, a₁ = f(z₁), z₂ = a₁W₂ + b₂, a₂ = f(z₂), and the mean squared error
L = 1/N·Σ(a₂ − y)² over its N elements:

    1  output delta        δ₂ = 2/N·(a₂ − y) ∘ f′(z₂)                 = ∂L/∂z₂
    2  hidden delta        δ₁ = δ₂W₂ᵀ ∘ f′(z₁)                        = ∂L/∂z₁
    3  weight gradients    ∂L/∂W₂ = a₁ᵀδ₂,  ∂L/∂W₁ = xᵀδ₁;  ∂L/∂b₂ = Σδ₂,  ∂L/∂b₁ = Σδ₁
    4  update              p ← p − λ·∂L/∂p

Autodiff gives not only the ends. A shift sℓ added to zℓ has ∂L/∂sℓ = ∂L/∂zℓ = δℓ at s = 0, so a framework that is asked
for the gradient with respect to shifts as well shows each delta. The complex step does the same without a framework.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from samegrad.impls.checking import oracle
from samegrad.impls.checking.bound import arithmetic
from samegrad.impls.child import Failed, call
from samegrad.impls.errors import BadInput, Unavailable, choose
from samegrad.impls.learning.recipes import RECIPES, Recipe
from samegrad.impls.learning.trainer import TRAINERS
from samegrad.impls.parameters import Array
from samegrad.impls.registry import get_entry

EXPLAINED = ("slides", "xor")
ROUNDINGS = 64
"""How far a quantity may be from autodiff's, in roundings of the largest magnitude in its tensor (1 at least for the
forward pass' sake): some twenty operations are behind each, and frameworks do them in another order."""
TIMEOUT_S = 300.0

Quantities = dict[str, Array]
Functions = dict[str, Callable[[Any], Any]]


@dataclass(frozen=True)
class Step:
    """One equation: what is computed, from what, and its numbers."""

    number: int
    title: str
    name: str
    equation: str
    value: Array


def get_recipe(name: str, x: Sequence[float] | None, y: Sequence[float] | None, learning_rate: float | None) -> Recipe:
    """The recipe of that name, its one row and its learning rate as asked. Raises BadInput where they do not fit."""
    recipe = RECIPES[choose("network to explain", name, EXPLAINED)]()
    for label, given, width in (("--x", x, recipe.problem.sizes[0]), ("--y", y, recipe.problem.sizes[-1])):
        if given is not None and len(given) != width:
            raise BadInput(f"{label} takes {width} numbers for {name}, found {len(given)}")
        if given is not None and not np.isfinite(given).all():
            raise BadInput(f"{label} takes finite numbers, found {', '.join(map(str, given))}")
    if (x is None) != (y is None):
        raise BadInput("--x and --y describe one row together; give both or neither")
    if x is not None and y is not None:
        recipe = replace(recipe, x=np.array([x]), y=np.array([y]), batch=1, facts={})
    if learning_rate is not None:
        recipe = replace(recipe, settings=replace(recipe.settings, learning_rate=learning_rate))
    return recipe


def steps(recipe: Recipe) -> list[Step]:
    """The forward pass (step 0) and the four steps of backpropagation, every number of them."""
    (W1, b1), (W2, b2) = recipe.parameters
    x, y, rate, N = recipe.x, recipe.y, recipe.settings.learning_rate, recipe.y.size
    plus = (lambda b: " + " + b) if recipe.biases else (lambda b: "")

    z1 = x @ W1 + b1
    a1 = sigmoid(z1)
    z2 = a1 @ W2 + b2
    a2 = sigmoid(z2)
    loss = np.sum((a2 - y) ** 2) / N

    delta2 = 2 / N * (a2 - y) * a2 * (1 - a2)
    delta1 = delta2 @ W2.T * a1 * (1 - a1)
    dW2, db2 = a1.T @ delta2, delta2.sum(axis=0)
    dW1, db1 = x.T @ delta1, delta1.sum(axis=0)

    forward = [
        Step(0, "Forward", "z1", f"z₁ = x W₁{plus('b₁')}", z1),
        Step(0, "Forward", "a1", "a₁ = σ(z₁)", a1),
        Step(0, "Forward", "z2", f"z₂ = a₁ W₂{plus('b₂')}", z2),
        Step(0, "Forward", "a2", "a₂ = σ(z₂)", a2),
        Step(0, "Forward", "loss", f"L = 1/{N} · Σ (a₂ − y)²", np.array(loss)),
    ]
    two_over_n = "" if N == 2 else f"2/{N} · "
    backward = [
        Step(1, "Output delta", "δ2", f"δ₂ = ∂L/∂z₂ = {two_over_n}(a₂ − y) ∘ a₂ ∘ (1 − a₂)", delta2),
        Step(2, "Hidden delta", "δ1", "δ₁ = ∂L/∂z₁ = δ₂ W₂ᵀ ∘ a₁ ∘ (1 − a₁)", delta1),
        Step(3, "Weight gradients", "∂L/∂W2", "∂L/∂W₂ = a₁ᵀ δ₂", dW2),
        Step(3, "Weight gradients", "∂L/∂b2", "∂L/∂b₂ = Σ δ₂ over the rows", db2),
        Step(3, "Weight gradients", "∂L/∂W1", "∂L/∂W₁ = xᵀ δ₁", dW1),
        Step(3, "Weight gradients", "∂L/∂b1", "∂L/∂b₁ = Σ δ₁ over the rows", db1),
        Step(4, "Update", "W2", f"W₂ ← W₂ − {rate:g} · ∂L/∂W₂", W2 - rate * dW2),
        Step(4, "Update", "b2", f"b₂ ← b₂ − {rate:g} · ∂L/∂b₂", b2 - rate * db2),
        Step(4, "Update", "W1", f"W₁ ← W₁ − {rate:g} · ∂L/∂W₁", W1 - rate * dW1),
        Step(4, "Update", "b1", f"b₁ ← b₁ − {rate:g} · ∂L/∂b₁", b1 - rate * db1),
    ]
    return [step for step in forward + backward if recipe.biases or "b" not in step.name]


def sigmoid(z: Array) -> Array:
    """σ(z) = 1/(1 + e⁻ᶻ), which is 0 where e⁻ᶻ overflows."""
    with np.errstate(over="ignore"):
        return 1 / (1 + np.exp(-z))


def check(recipe: Recipe, quantities: Sequence[Step]) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """Compare every quantity with the complex step and each framework's autodiff.

    Returns rows {"against", "quantity", "difference", "allowed", "agrees"}, and why a framework was left out.
    """
    truths: dict[str, Quantities] = {"complex step": by_complex_step(recipe)}
    left_out = {}
    request = {
        "x": recipe.x.tolist(),
        "y": recipe.y.tolist(),
        "layers": [[W.tolist(), b.tolist()] for W, b in recipe.parameters],
        "learning_rate": recipe.settings.learning_rate,
    }
    for name in TRAINERS:
        if name == "numpy":
            continue  # it has no autodiff
        try:
            if reason := get_entry(name).missing():
                raise Unavailable(reason)
            answer = call(
                "samegrad.impls.learning.explain_autodiff:evaluate",
                {"implementation": name, **request},
                timeout_s=TIMEOUT_S,
            )
        except (Unavailable, Failed) as reason:
            left_out[name] = str(reason)
            continue
        truths[name] = {quantity: np.array(value) for quantity, value in answer.items()}
    rows = []
    for against, truth in truths.items():
        for step in quantities:
            if step.name in truth:
                difference = abs(step.value - truth[step.name]).max()
                allowed = ROUNDINGS * arithmetic("float64").u * max(abs(truth[step.name]).max(), _cause(step, recipe))
                row = {"against": against, "quantity": step.name, "difference": float(difference)}
                rows.append({**row, "allowed": float(allowed), "agrees": bool(difference <= allowed)})
    return rows, left_out


def _cause(step: Step, recipe: Recipe) -> float:
    """The size of the terms behind a quantity, which may cancel: those of a gradient are 2/N·x or a."""
    return 1.0 if step.number in (0, 4) else 2 / recipe.y.size * max(1.0, abs(recipe.x).max())


def by_complex_step(recipe: Recipe) -> Quantities:
    """The deltas and gradients as Im L(θ + i·h·eⱼ)/h, one element at a time (see `checking.oracle`)."""
    (W1, b1), (W2, b2) = recipe.parameters
    at = {"W1": W1, "b1": b1, "W2": W2, "b2": b2}
    at["s1"], at["s2"] = (np.zeros((len(recipe.x), width)) for width in recipe.problem.sizes[1:])

    def loss(v: dict[str, Any]) -> Any:
        a1 = sum(oracle.sigmoid(recipe.x @ v["W1"] + v["b1"] + v["s1"]))
        a2 = sum(oracle.sigmoid(a1 @ v["W2"] + v["b2"] + v["s2"]))
        return np.sum((a2 - recipe.y) ** 2) / recipe.y.size

    gradients = {}
    for name, value in at.items():
        gradient = np.empty(value.shape)
        for index in np.ndindex(value.shape):
            moved = value.astype(complex)
            moved[index] += 1j * oracle.STEP
            gradient[index] = loss({**at, name: moved}).imag / oracle.STEP
        gradients[name] = gradient
    rate = recipe.settings.learning_rate
    updated = {name: at[name] - rate * gradients[name] for name in ("W1", "b1", "W2", "b2")}
    named = {f"∂L/∂{name}": gradients[name] for name in updated}
    return {"δ1": gradients["s1"], "δ2": gradients["s2"], **named, **updated}
