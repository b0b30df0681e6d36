"""`jax-jit`: a pure loss function, jit of value_and_grad, the parameters a tree of (W, b)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from impls.errors import Unavailable
from impls.implementation import Implementation
from impls.parameters import Layer, Parameters, rounded
from impls.problem import SEED, Problem

jax.config.update("jax_enable_x64", True)  # without it float64 silently becomes float32; float32 stays float32
jax.config.update("jax_default_matmul_precision", "highest")  # on a GPU the default is TF32

ACTIVATIONS = {
    "sigmoid": jax.nn.sigmoid,
    "tanh": jnp.tanh,
    "relu": jax.nn.relu,
    "identity": lambda z: z,
}


def find_device(device: str) -> jax.Device:
    """The first JAX device of that kind. Raises Unavailable where there is none."""
    try:
        return jax.devices(device)[0]
    except RuntimeError:
        raise Unavailable(f"jax {jax.__version__} sees no {device!r} device; use 'cpu' or install jax[cuda]") from None


def predict(activations: Sequence[str], parameters: Parameters, x: jax.Array) -> jax.Array:
    """Predictions (batch, outputs)."""
    a = x
    for (W, b), activation in zip(parameters, activations, strict=True):
        a = ACTIVATIONS[activation](a @ W + b)
    return a


def mean_squared_error(activations: Sequence[str], parameters: Parameters, x: jax.Array, y: jax.Array) -> jax.Array:
    """The loss, a scalar."""
    return jnp.mean((predict(activations, parameters, x) - y) ** 2)


def descend(
    loss: Callable[[Parameters, jax.Array, jax.Array], jax.Array],
    parameters: Parameters,
    x: jax.Array,
    y: jax.Array,
    learning_rate: float,
) -> tuple[jax.Array, Parameters]:
    """The loss, and the parameters one step of gradient descent further on."""
    value, gradients = jax.value_and_grad(loss)(parameters, x, y)
    return value, jax.tree.map(lambda p, g: p - learning_rate * g, parameters, gradients)


class JaxJit(Implementation):
    """jit-compiled passes over a tree of parameters, the data as arguments.

    All outputs of one compiled call become ready together, so that waiting for the loss waits for its gradients too;
    waiting for each of them costs several microseconds and changes nothing (`tests/benchmarks/test_fence.py` shows it).
    """

    def prepare(
        self,
        problem: Problem,
        parameters: Parameters,
        batch: int,
        dtype: str = "float32",
        device: str = "cpu",
        seed: int = SEED,
    ) -> None:
        to_device = partial(jax.device_put, device=find_device(device))
        self.x, self.y = (to_device(rows.astype(dtype)) for rows in problem.data(batch, seed))
        self.parameters = to_device(rounded(parameters, dtype))
        loss = partial(mean_squared_error, problem.activations)
        self._predict = jax.jit(partial(predict, problem.activations))
        self._value_and_grad = jax.jit(jax.value_and_grad(loss))
        self._descend = jax.jit(partial(descend, loss))

    def forward(self) -> jax.Array:
        return self._predict(self.parameters, self.x).block_until_ready()

    def value_and_grad(self) -> tuple[jax.Array, Parameters]:
        loss, gradients = self._value_and_grad(self.parameters, self.x, self.y)
        return loss.block_until_ready(), gradients

    def train_step(self, learning_rate: float) -> tuple[jax.Array, Parameters]:
        loss, self.parameters = self._descend(self.parameters, self.x, self.y, learning_rate)
        return loss.block_until_ready(), self.parameters

    def to_numpy(self, result: Any) -> Any:
        return jax.tree.map(np.array, result)
