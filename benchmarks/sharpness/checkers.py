"""The checkers: does each accept this gradient? Every one is its library's own function at its default criterion.

ours      the oracle and the bound: τ ≤ 1 for every tensor
torch     torch.autograd.gradcheck of a Function whose backward returns the planted gradient
jax       jax.test_util.check_grads(order=1, modes=["rev"]) of a custom_vjp that returns it
scipy     scipy.optimize.check_grad below 1e-6 (it returns a norm; this is the usual limit)
allclose  numpy.allclose(planted, right, rtol=1e-5), the right gradient being autodiff's
"""

from __future__ import annotations

import importlib.metadata
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from samegrad.benchmarks.sharpness.planted import X, Y, backward, naive_slope, network
from samegrad.impls.checking.agreement import Reference, worst_tau
from samegrad.impls.parameters import Array, Parameters, tensors, unflatten, vector
from samegrad.impls.problem import XOR

SCIPY_LIMIT = 1e-6


@cache
def _reference(seed: int, scale: float, dtype: str) -> Reference:
    return Reference(XOR, network(seed, scale), X, Y, dtype)


def ours(seed: int, scale: float, gradients: Parameters, dtype: str = "float64") -> bool:
    """The oracle and the bound: τ ≤ 1 for every tensor?"""
    reference = _reference(seed, scale, dtype)
    result = (reference.truth.loss.astype(dtype), gradients)
    return worst_tau(reference.agree("value_and_grad", result)) <= 1


def allclose(seed: int, scale: float, gradients: Parameters) -> bool:
    """Is every tensor near autodiff's by numpy.allclose?"""
    right = backward(network(seed, scale), naive_slope, "float64")
    pairs = zip(tensors(gradients).values(), tensors(right).values(), strict=True)
    return all(np.allclose(given, expected, rtol=1e-5) for given, expected in pairs)


def scipy_check(seed: int, scale: float, gradients: Parameters) -> bool:
    """Does the gradient pass scipy.optimize.check_grad at the usual limit, 1e-6?"""
    import scipy.optimize

    def loss(theta: Array) -> float:
        a = X
        with np.errstate(over="ignore"):
            for W, b in unflatten(theta, XOR.sizes):
                a = naive_slope(a @ W + b)[0]
        return float(np.mean((a - Y) ** 2))

    gradient = vector(gradients)
    return scipy.optimize.check_grad(loss, lambda theta: gradient, vector(network(seed, scale))) < SCIPY_LIMIT


def torch_check(seed: int, scale: float, gradients: Parameters) -> bool:
    """Does torch.autograd.gradcheck accept it?"""
    import torch

    planted_tensors = [torch.tensor(tensor) for tensor in tensors(gradients).values()]
    x, y = torch.tensor(X), torch.tensor(Y)

    class Planted(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, W1: Any, b1: Any, W2: Any, b2: Any) -> Any:
            hidden = torch.sigmoid(x @ W1 + b1)
            return torch.mean((torch.sigmoid(hidden @ W2 + b2) - y) ** 2)

        @staticmethod
        def backward(ctx: Any, cotangent: Any) -> Any:  # type: ignore[override]
            return tuple(cotangent * tensor for tensor in planted_tensors)

    inputs = [torch.tensor(tensor, requires_grad=True) for tensor in tensors(network(seed, scale)).values()]
    return bool(torch.autograd.gradcheck(Planted.apply, inputs, raise_exception=False))


@cache
def _jax_loss() -> Any:
    import jax
    import jax.numpy as jnp

    @jax.custom_vjp
    def loss(parameters: Any, planted_gradients: Any) -> Any:
        W1, b1, W2, b2 = parameters
        hidden = jax.nn.sigmoid(X @ W1 + b1)
        return jnp.mean((jax.nn.sigmoid(hidden @ W2 + b2) - Y) ** 2)

    def forward(parameters: Any, planted_gradients: Any) -> Any:
        return loss(parameters, planted_gradients), planted_gradients

    def back(planted_gradients: Any, cotangent: Any) -> Any:
        return jax.tree.map(lambda g: cotangent * g, planted_gradients), jax.tree.map(jnp.zeros_like, planted_gradients)

    loss.defvjp(forward, back)
    return loss


def jax_check(seed: int, scale: float, gradients: Parameters) -> bool:
    """Does jax.test_util.check_grads accept it?"""
    import jax.test_util

    loss, planted_gradients = _jax_loss(), list(tensors(gradients).values())
    parameters = list(tensors(network(seed, scale)).values())
    try:
        jax.test_util.check_grads(lambda *p: loss(list(p), planted_gradients), parameters, order=1, modes=["rev"])
    except AssertionError:
        return False
    return True


Checker = Callable[[int, float, Parameters], bool]


def checkers() -> dict[str, Checker]:
    """The checkers whose libraries are installed."""
    by_name: dict[str, Checker] = {"ours": ours, "allclose": allclose}
    for package, name, check in (
        ("scipy", "scipy", scipy_check),
        ("torch", "torch", torch_check),
        ("jax", "jax", jax_check),
    ):
        try:
            importlib.metadata.version(package)
            by_name[name] = check
        except importlib.metadata.PackageNotFoundError:
            continue
    if "jax" in by_name:
        import jax

        jax.config.update("jax_enable_x64", True)
    return by_name
