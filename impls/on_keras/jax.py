"""`keras-jax`: a Keras 3 model on JAX, in its stateless form under jit.

On JAX a Keras model is a pure function of its variables' values, `model.stateless_call`, which JAX differentiates and
compiles like any other.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from samegrad.impls.on_jax.shared import JaxOnRows, jit
from samegrad.impls.on_keras.model import build, descent, keras_on
from samegrad.impls.parameters import paired
from samegrad.impls.task import Task

keras_on("jax")

Weights = Sequence[jax.Array]
State = tuple[Weights, Sequence[jax.Array]]
"""The weights, and the optimizer's variables: how many steps it took, and the learning rate."""


class KerasJax(JaxOnRows):
    """The loss of model.stateless_call, differentiated and compiled by JAX; the update is a stateless keras SGD."""

    def prepare(self, task: Task) -> None:
        self.place(task.device)
        self.feed(*map(self.to_device, task.data()))
        with jax.default_device(self.device):
            model = build(task)
            optimizer = descent(model)
        self.weights: Weights = [self.to_device(variable.value) for variable in model.trainable_variables]
        self.optimizer_state: Any = [self.to_device(variable.value) for variable in optimizer.variables]
        self.rate_index = [variable is optimizer.learning_rate for variable in optimizer.variables].index(True)
        self.learning_rate: float | None = None

        def predict(weights: Weights, x: jax.Array) -> jax.Array:
            return model.stateless_call(weights, [], x)[0]

        def loss(weights: Weights, x: jax.Array, y: jax.Array) -> jax.Array:
            # keras.losses would take keras.ops.mean, which on JAX rounds float64 to float32
            return jnp.mean((predict(weights, x) - y) ** 2)

        def descend(state: State, x: jax.Array, y: jax.Array) -> tuple[jax.Array, State]:
            weights, optimizer_state = state
            value, gradients = jax.value_and_grad(loss)(weights, x, y)
            return value, optimizer.stateless_apply(optimizer_state, gradients, weights)

        def descend_often(state: State, x: jax.Array, y: jax.Array, steps: int) -> tuple[jax.Array, State]:
            start = jnp.zeros((), x.dtype), state
            return jax.lax.fori_loop(0, steps, lambda _, now: descend(now[1], x, y), start)

        passes = (predict, jax.value_and_grad(loss), descend, descend_often)
        self._predict, self._value_and_grad, self._descend, self._descend_often = (
            jit(one, self.device) for one in passes
        )

    def forward(self) -> jax.Array:
        return self.wait(self._predict(self.weights, self.x))

    def value_and_grad(self) -> tuple[jax.Array, Weights]:
        return self.wait(self._value_and_grad(self.weights, self.x, self.y))

    def _take(self, outcome: tuple[jax.Array, State]) -> tuple[jax.Array, Weights]:
        loss, (self.weights, self.optimizer_state) = outcome
        return self.wait((loss, self.weights))

    def train_step(self, learning_rate: float) -> tuple[jax.Array, Weights]:
        self._set(learning_rate)
        return self._take(self._descend((self.weights, self.optimizer_state), self.x, self.y))

    def train_loop(self, learning_rate: float, steps: int) -> tuple[jax.Array, Weights]:
        self._set(learning_rate)
        return self._take(self._descend_often((self.weights, self.optimizer_state), self.x, self.y, steps))

    def _set(self, learning_rate: float) -> None:
        if learning_rate != self.learning_rate:  # sending a number costs more than the step
            rate = self.optimizer_state[self.rate_index]
            self.optimizer_state[self.rate_index] = self.to_device(np.array(learning_rate, rate.dtype))
            self.learning_rate = learning_rate

    def to_numpy(self, result: Any) -> Any:
        if isinstance(result, jax.Array):
            return np.array(result)
        loss, flat = result
        return np.array(loss), paired([np.array(array) for array in flat])
