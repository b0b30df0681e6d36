"""`jax-eager`, `jax-jit` and `jax-flat`: JAX derives the gradient of a pure loss function.

The three differ in how the function is called: operation by operation; compiled, the parameters a tree of (W, b) as one
writes it; compiled, with all parameters in one vector, since a call of a compiled function pays for every array that
goes in or comes out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree

from impls.errors import Unavailable
from impls.implementation import Implementation
from impls.parameters import Parameters, rounded
from impls.problem import SEED, Problem

jax.config.update("jax_enable_x64", True)  # without it float64 silently becomes float32; float32 stays float32
jax.config.update("jax_default_matmul_precision", "highest")  # on a GPU the default is TF32

ACTIVATIONS = {
    "sigmoid": jax.nn.sigmoid,
    "tanh": jnp.tanh,
    "relu": jax.nn.relu,
    "identity": lambda z: z,
}

Loss = Callable[[Any, jax.Array, jax.Array], jax.Array]


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
    loss: Loss, parameters: Any, x: jax.Array, y: jax.Array, learning_rate: float | jax.Array
) -> tuple[jax.Array, Any]:
    """The loss, and the parameters one step of gradient descent further on."""
    value, gradients = jax.value_and_grad(loss)(parameters, x, y)
    return value, jax.tree.map(lambda p, g: p - learning_rate * g, parameters, gradients)


def descend_often(
    loss: Loss, parameters: Any, x: jax.Array, y: jax.Array, learning_rate: float, steps: int
) -> tuple[jax.Array, Any]:
    """Several steps in one call: the loss before the last, and the parameters after it."""

    def step(_: int, state: tuple[jax.Array, Any]) -> tuple[jax.Array, Any]:
        return descend(loss, state[1], x, y, learning_rate)

    return jax.lax.fori_loop(0, steps, step, (jnp.zeros((), x.dtype), parameters))


class JaxJit(Implementation):
    """jit-compiled passes over a tree of parameters, the data as arguments.

    All outputs of one compiled call become ready together, so that waiting for the loss waits for its gradients too;
    waiting for each of them costs several microseconds and changes nothing (`tests/impls/test_contract.py` shows it).
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
        self._descend_often = jax.jit(partial(descend_often, loss))

    def forward(self) -> jax.Array:
        return self._predict(self.parameters, self.x).block_until_ready()

    def value_and_grad(self) -> tuple[jax.Array, Parameters]:
        loss, gradients = self._value_and_grad(self.parameters, self.x, self.y)
        return loss.block_until_ready(), gradients

    def train_step(self, learning_rate: float) -> tuple[jax.Array, Parameters]:
        loss, self.parameters = self._descend(self.parameters, self.x, self.y, learning_rate)
        return loss.block_until_ready(), self.parameters

    def train_loop(self, learning_rate: float, steps: int) -> tuple[jax.Array, Parameters]:
        loss, self.parameters = self._descend_often(self.parameters, self.x, self.y, learning_rate, steps)
        return loss.block_until_ready(), self.parameters

    def to_numpy(self, result: Any) -> Any:
        return jax.tree.map(np.array, result)


class JaxEager(JaxJit):
    """The same functions operation by operation: differentiated anew at each call, each primitive compiled alone."""

    def prepare(
        self,
        problem: Problem,
        parameters: Parameters,
        batch: int,
        dtype: str = "float32",
        device: str = "cpu",
        seed: int = SEED,
    ) -> None:
        super().prepare(problem, parameters, batch, dtype, device, seed)
        loss = partial(mean_squared_error, problem.activations)
        self._predict = partial(predict, problem.activations)
        self._value_and_grad = jax.value_and_grad(loss)
        self._descend = partial(descend, loss)

    def value_and_grad(self) -> tuple[jax.Array, Parameters]:
        return jax.block_until_ready(super().value_and_grad())  # its gradients are calls of their own

    def train_step(self, learning_rate: float) -> tuple[jax.Array, Parameters]:
        return jax.block_until_ready(super().train_step(learning_rate))

    train_loop = Implementation.train_loop


class JaxFlat(Implementation):
    """jit-compiled passes over one vector of parameters; loss and gradient leave as one vector too."""

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
        flat, self.unravel = ravel_pytree(rounded(parameters, dtype))
        self.state = to_device(jnp.concatenate([jnp.zeros(1, dtype), flat]))  # the last loss, then the parameters

        def loss(state: jax.Array, x: jax.Array, y: jax.Array) -> jax.Array:
            return mean_squared_error(problem.activations, self.unravel(state[1:]), x, y)

        def value_and_grad(state: jax.Array, x: jax.Array, y: jax.Array) -> jax.Array:
            value, gradient = jax.value_and_grad(loss)(state, x, y)
            return gradient.at[0].set(value)  # the loss does not depend on the last loss

        def descend(state: jax.Array, x: jax.Array, y: jax.Array, learning_rate: float) -> jax.Array:
            evaluation = value_and_grad(state, x, y)
            return (state - learning_rate * evaluation).at[0].set(evaluation[0])

        def descend_often(state: jax.Array, x: jax.Array, y: jax.Array, learning_rate: float, steps: int) -> jax.Array:
            return jax.lax.fori_loop(0, steps, lambda _, at: descend(at, x, y, learning_rate), state)

        self._predict = jax.jit(lambda state, x: predict(problem.activations, self.unravel(state[1:]), x))
        self._value_and_grad = jax.jit(value_and_grad)
        self._descend = jax.jit(descend)
        self._descend_often = jax.jit(descend_often)

    def forward(self) -> jax.Array:
        return self._predict(self.state, self.x).block_until_ready()

    def value_and_grad(self) -> jax.Array:
        return self._value_and_grad(self.state, self.x, self.y).block_until_ready()

    def train_step(self, learning_rate: float) -> jax.Array:
        self.state = self._descend(self.state, self.x, self.y, learning_rate).block_until_ready()
        return self.state

    def train_loop(self, learning_rate: float, steps: int) -> jax.Array:
        self.state = self._descend_often(self.state, self.x, self.y, learning_rate, steps).block_until_ready()
        return self.state

    def to_numpy(self, result: jax.Array) -> Any:
        if result.ndim == 2:
            return np.array(result)
        return np.array(result[0]), jax.tree.map(np.array, self.unravel(result[1:]))
