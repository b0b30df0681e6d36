"""`jax-networks`: many networks at once, the gradient by hand, the networks along the last axis.

What is a number of one network is a vector over them, which XLA's loops run along. With i and j for the units before
and after a layer, r for the row and k for the network,

    forward     z_rjk  = Σᵢ a_rik W_ijk + b_jk      a = f(z)
    output      δ_rjk  = 2/(n·m) · (a_rjk − y_rj) ∘ f′(z_rjk)      over the n·m elements of a prediction
    hidden      δ_rik  = Σⱼ δ_rjk W_ijk ∘ f′(z_rik)
    weights     ∂L/∂W_ijk = Σᵣ a_rik δ_rjk          biases   ∂L/∂b_jk = Σᵣ δ_rjk

XLA makes a loop of a reduction, and computes what is summed anew in each turn of it; so with a few units and rows every
sum is written out, one term after the other, which it fuses into straight code.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache, partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from samegrad.impls.on_jax.autodiff import ACTIVATIONS, Tree
from samegrad.impls.on_jax.shared import JaxOnRows, jit
from samegrad.impls.parameters import Layer
from samegrad.impls.task import Task

FEW = 16
"""The most terms of a sum that is written out."""
SLOPES: dict[str, Callable[[jax.Array], jax.Array]] = {
    "sigmoid": lambda a: a - a * a,
    "tanh": lambda a: (1 - a) * (1 + a),
    "relu": lambda a: (a > 0).astype(a.dtype),
    "identity": jnp.ones_like,
}
"""f′(z) as a function of a = f(z)."""


def total(terms: Iterable[jax.Array]) -> Any:
    """The sum of the terms in order, without a zero before the first."""
    first, *others = terms
    return sum(others, start=first)


def weigh(a: jax.Array, W: jax.Array) -> jax.Array:
    """Σᵢ a_rik W_ijk: (rows, fan_out, K)."""
    if len(W) > FEW:
        return jnp.einsum("rik,ijk->rjk", jnp.broadcast_to(a, (*a.shape[:2], W.shape[2])), W)
    return total(a[:, i, None] * W[i] for i in range(len(W)))


def pair(a: jax.Array, delta: jax.Array) -> jax.Array:
    """Σᵣ a_rik δ_rjk: (fan_in, fan_out, K)."""
    if len(a) > FEW:
        return jnp.einsum("rik,rjk->ijk", jnp.broadcast_to(a, (*a.shape[:2], delta.shape[2])), delta)
    return total(a[r, :, None] * delta[r] for r in range(len(a)))


def over_rows(terms: jax.Array) -> jax.Array:
    """The sum over the rows of terms (rows, …)."""
    return terms.sum(axis=0) if len(terms) > FEW else total(terms)


def activate(activations: tuple[str, ...], parameters: Tree, x: jax.Array) -> list[jax.Array]:
    """x, (rows, inputs, 1), and the activations of all layers, (rows, units, K)."""
    layers = [x[..., None]]
    for (W, b), activation in zip(parameters, activations, strict=True):
        layers.append(ACTIVATIONS[activation](weigh(layers[-1], W) + b))
    return layers


def predict(activations: tuple[str, ...], parameters: Tree, x: jax.Array) -> jax.Array:
    """Predictions (rows, outputs, K)."""
    return activate(activations, parameters, x)[-1]


def value_and_grad(
    activations: tuple[str, ...], parameters: Tree, x: jax.Array, y: jax.Array
) -> tuple[jax.Array, Tree]:
    """Losses (K,) and gradients."""
    *inputs, a = activate(activations, parameters, x)
    error = a - y[..., None]
    delta = 2 / y.size * error * SLOPES[activations[-1]](a)
    gradients: list[tuple[jax.Array, jax.Array]] = []
    for layer in reversed(range(len(inputs))):
        gradients = [(pair(inputs[layer], delta), over_rows(delta)), *gradients]
        if layer > 0:
            W, _ = parameters[layer]
            delta = weigh(delta, W.swapaxes(0, 1)) * SLOPES[activations[layer - 1]](inputs[layer])
    return over_rows(error * error).sum(axis=0) / y.size, tuple(gradients)


def descend(
    activations: tuple[str, ...], parameters: Tree, x: Any, y: Any, learning_rate: Any
) -> tuple[jax.Array, Tree]:
    """Losses (K,), and the parameters one step further on."""
    losses, gradients = value_and_grad(activations, parameters, x, y)
    return losses, jax.tree.map(lambda p, g: p - learning_rate * g, parameters, gradients)


def descend_often(
    activations: tuple[str, ...], parameters: Tree, x: Any, y: Any, learning_rate: Any, steps: int
) -> tuple[jax.Array, Tree]:
    """The losses before the last of several steps, and the parameters after it."""
    return jax.lax.fori_loop(
        0,
        steps,
        lambda _, state: descend(activations, state[1], x, y, learning_rate),
        (jnp.zeros_like(parameters[0][1][0]), parameters),
    )


@cache
def compiled(activations: tuple[str, ...], device: jax.Device) -> tuple[Callable[..., Any], ...]:
    """The passes under jit: one set for each kind of network, so that a shape is compiled once in a process."""
    passes = (predict, value_and_grad, descend, descend_often)
    return tuple(jit(partial(one, activations), device) for one in passes)


class JaxNetworks(JaxOnRows):
    """jit-compiled passes over a tree of parameters, the networks last. One network is a stack of one."""

    takes_networks = True

    def prepare(self, task: Task) -> None:
        self.place(task.device)
        self.feed(*map(self.to_device, task.data()))
        self.has_axis = task.networks is not None
        last = [[np.moveaxis(t if self.has_axis else t[None], 0, -1) for t in layer] for layer in task.layers()]
        self.parameters = self.to_device(tuple(tuple(map(np.ascontiguousarray, layer)) for layer in last))
        self._predict, self._value_and_grad, self._descend, self._descend_often = compiled(
            task.problem.activations, self.device
        )

    def forward(self) -> jax.Array:
        return self.wait(self._predict(self.parameters, self.x))

    def value_and_grad(self) -> tuple[jax.Array, Tree]:
        return self.wait(self._value_and_grad(self.parameters, self.x, self.y))

    def train_step(self, learning_rate: float) -> tuple[jax.Array, Tree]:
        losses, self.parameters = self._descend(self.parameters, self.x, self.y, learning_rate)
        return self.wait((losses, self.parameters))

    def train_loop(self, learning_rate: float, steps: int) -> tuple[jax.Array, Tree]:
        losses, self.parameters = self._descend_often(self.parameters, self.x, self.y, learning_rate, steps)
        return self.wait((losses, self.parameters))

    def to_numpy(self, result: Any) -> Any:
        if isinstance(result, jax.Array):
            return self._networks_first(result)
        losses, layers = result
        return self._networks_first(losses), [Layer(*map(self._networks_first, layer)) for layer in layers]

    def _networks_first(self, array: jax.Array) -> Any:
        first = np.ascontiguousarray(np.moveaxis(np.array(array), -1, 0))
        return first if self.has_axis else np.array(first[0])
