"""`jax-eager`, `jax-jit` and `jax-flat`: JAX derives the gradient of a pure loss function.

The three differ in how the function is called: operation by operation; compiled, the parameters a tree of (W, b) as one
writes it; compiled, with all parameters in one vector, since a call of a compiled function pays for every array that
goes in or comes out.

Of several networks `jax-jit` maps the functions of one over the leading axis of its parameters (`jax.vmap`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache, partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from samegrad.impls.implementation import Implementation
from samegrad.impls.on_jax.shared import JaxOnRows, jit, unravel
from samegrad.impls.parameters import Layer, Parameters
from samegrad.impls.task import Task

ACTIVATIONS = {
    "sigmoid": jax.nn.sigmoid,
    "tanh": jnp.tanh,
    "relu": jax.nn.relu,
    "identity": lambda z: z,
}

Tree = tuple[tuple[jax.Array, jax.Array], ...]
"""Layers of (W, b)."""
Loss = Callable[[Any, jax.Array, jax.Array], jax.Array]


def predict(activations: Sequence[str], parameters: Tree | Parameters, x: jax.Array) -> jax.Array:
    """Predictions (batch, outputs)."""
    a = x
    for (W, b), activation in zip(parameters, activations, strict=True):
        a = ACTIVATIONS[activation](a @ W + b)
    return a


def mean_squared_error(
    activations: Sequence[str], parameters: Tree | Parameters, x: jax.Array, y: jax.Array
) -> jax.Array:
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


@cache
def compiled(activations: tuple[str, ...], device: jax.Device, several: bool = False) -> tuple[Callable[..., Any], ...]:
    """The passes under jit: one set for each kind of network, so that a shape is compiled once in a process."""
    loss = partial(mean_squared_error, activations)
    passes: list[Callable[..., Any]] = [
        partial(predict, activations),
        jax.value_and_grad(loss),
        partial(descend, loss),
        partial(descend_often, loss),
    ]
    arguments = (1, 2, 3, 4)
    """Of each pass, the first of which are the parameters."""
    if several:
        axes = [(0, *(None,) * count) for count in arguments]
        passes = [jax.vmap(one, in_axes) for one, in_axes in zip(passes, axes, strict=True)]
    return tuple(jit(one, device) for one in passes)


class JaxJit(JaxOnRows):
    """jit-compiled passes over a tree of parameters, the data as arguments.

    The tree is of plain tuples: each call takes it apart and builds it again, which for named ones takes 10 % longer.
    """

    takes_networks = True

    def prepare(self, task: Task) -> None:
        self.place(task.device)
        self.feed(*map(self.to_device, task.data()))
        self.parameters = self.to_device(tuple(tuple(layer) for layer in task.layers()))
        passes = compiled(task.problem.activations, self.device, task.networks is not None)
        self._predict, self._value_and_grad, self._descend, self._descend_often = passes

    def forward(self) -> jax.Array:
        return self.wait(self._predict(self.parameters, self.x))

    def value_and_grad(self) -> tuple[jax.Array, Tree]:
        return self.wait(self._value_and_grad(self.parameters, self.x, self.y))

    def train_step(self, learning_rate: float) -> tuple[jax.Array, Tree]:
        loss, self.parameters = self._descend(self.parameters, self.x, self.y, learning_rate)
        return self.wait((loss, self.parameters))

    def train_loop(self, learning_rate: float, steps: int) -> tuple[jax.Array, Tree]:
        loss, self.parameters = self._descend_often(self.parameters, self.x, self.y, learning_rate, steps)
        return self.wait((loss, self.parameters))

    def to_numpy(self, result: Any) -> Any:
        if isinstance(result, jax.Array):
            return np.array(result)
        loss, layers = result
        return np.array(loss), [Layer(np.array(W), np.array(b)) for W, b in layers]


class JaxEager(JaxJit):
    """The same functions operation by operation: differentiated anew at each call, each primitive compiled alone."""

    takes_networks = False

    def prepare(self, task: Task) -> None:
        super().prepare(task)
        loss = partial(mean_squared_error, task.problem.activations)
        self._predict = partial(predict, task.problem.activations)
        self._value_and_grad = jax.value_and_grad(loss)
        self._descend = partial(descend, loss)

    def wait(self, result: Any) -> Any:
        """Wait for every array: each comes from a call of its own."""
        return jax.block_until_ready(result)

    train_loop = Implementation.train_loop


@cache
def compiled_flat(
    sizes: tuple[int, ...], activations: tuple[str, ...], device: jax.Device
) -> tuple[Callable[..., jax.Array], ...]:
    """The passes as functions of one vector, under jit."""

    def loss(state: jax.Array, x: jax.Array, y: jax.Array) -> jax.Array:
        return mean_squared_error(activations, unravel(sizes, state), x, y)

    def value_and_grad(state: jax.Array, x: jax.Array, y: jax.Array) -> jax.Array:
        value, gradient = jax.value_and_grad(loss)(state, x, y)
        return gradient.at[0].set(value)  # in the place of the last loss, which the loss does not depend on

    def descend(state: jax.Array, x: jax.Array, y: jax.Array, learning_rate: float) -> jax.Array:
        evaluation = value_and_grad(state, x, y)
        return (state - learning_rate * evaluation).at[0].set(evaluation[0])

    def descend_often(state: jax.Array, x: jax.Array, y: jax.Array, learning_rate: float, steps: int) -> jax.Array:
        return jax.lax.fori_loop(0, steps, lambda _, at: descend(at, x, y, learning_rate), state)

    def predict_flat(state: jax.Array, x: jax.Array) -> jax.Array:
        return predict(activations, unravel(sizes, state), x)

    return tuple(jit(one, device) for one in (predict_flat, value_and_grad, descend, descend_often))


class JaxFlat(JaxOnRows):
    """jit-compiled passes over one vector of parameters; loss and gradient leave as one vector too."""

    def prepare(self, task: Task) -> None:
        self.place(task.device)
        self.feed(*map(self.to_device, task.data()))
        flat = [np.zeros(1), *(tensor.ravel() for layer in task.parameters for tensor in layer)]
        self.state = self.to_device(np.concatenate(flat).astype(task.dtype))
        self.sizes = task.problem.sizes
        passes = compiled_flat(task.problem.sizes, task.problem.activations, self.device)
        self._predict, self._value_and_grad, self._descend, self._descend_often = passes

    def forward(self) -> jax.Array:
        return self.wait(self._predict(self.state, self.x))

    def value_and_grad(self) -> jax.Array:
        return self.wait(self._value_and_grad(self.state, self.x, self.y))

    def train_step(self, learning_rate: float) -> jax.Array:
        self.state = self._descend(self.state, self.x, self.y, learning_rate)
        return self.wait(self.state)

    def train_loop(self, learning_rate: float, steps: int) -> jax.Array:
        self.state = self._descend_often(self.state, self.x, self.y, learning_rate, steps)
        return self.wait(self.state)

    def to_numpy(self, result: jax.Array) -> Any:
        if result.ndim == 2:
            return np.array(result)
        vector = np.array(result)
        return vector[0].copy(), unravel(self.sizes, vector)
