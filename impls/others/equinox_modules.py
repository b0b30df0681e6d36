"""`equinox`: the network as a module, which is a tree of arrays; equinox differentiates and compiles by JAX.

Its filtered jit and gradient take whole modules as arguments and tell arrays from everything else at each call; so does
its filtered vmap, by which several networks, in one module whose arrays have a leading axis, are computed.
"""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from samegrad.impls.on_jax.shared import JaxOnRows
from samegrad.impls.parameters import Layer
from samegrad.impls.task import Task

ACTIVATIONS = {"sigmoid": jax.nn.sigmoid, "tanh": jnp.tanh, "relu": jax.nn.relu, "identity": lambda z: z}


class EquinoxDense(eqx.Module):
    """One layer a = f(x W + b), and the gradient of one."""

    W: jax.Array
    b: jax.Array
    activation: str = eqx.field(static=True)

    def __call__(self, x: jax.Array) -> jax.Array:
        return ACTIVATIONS[self.activation](x @ self.W + self.b)


Network = tuple[EquinoxDense, ...]


@eqx.filter_jit
def predict(network: Network, x: jax.Array) -> jax.Array:
    for layer in network:
        x = layer(x)
    return x


def loss(network: Network, x: jax.Array, y: jax.Array) -> jax.Array:
    return jnp.mean((predict(network, x) - y) ** 2)


value_and_grad = eqx.filter_jit(eqx.filter_value_and_grad(loss))


@eqx.filter_jit
def descend(network: Network, x: jax.Array, y: jax.Array, learning_rate: Any) -> tuple[jax.Array, Network]:
    value, gradients = eqx.filter_value_and_grad(loss)(network, x, y)
    return value, eqx.apply_updates(network, jax.tree.map(lambda g: -learning_rate * g, gradients))


SAME = (eqx.if_array(0), None, None)
"""The axes that are mapped over: the leading one of the networks' arrays, and none of rows and targets."""
predict_each = eqx.filter_jit(eqx.filter_vmap(predict, in_axes=SAME[:2]))
value_and_grad_each = eqx.filter_jit(eqx.filter_vmap(value_and_grad, in_axes=SAME))
descend_each = eqx.filter_jit(eqx.filter_vmap(descend, in_axes=(*SAME, None)))


class EquinoxModules(JaxOnRows):
    """The passes under `filter_jit`, the network, the data and the learning rate as arguments."""

    takes_networks = True

    def prepare(self, task: Task) -> None:
        self.place(task.device)
        self.feed(*map(self.to_device, task.data()))
        layers = zip(task.layers(), task.problem.activations, strict=True)
        several = task.networks is not None
        self._predict = predict_each if several else predict
        self._value_and_grad = value_and_grad_each if several else value_and_grad
        self._descend = descend_each if several else descend
        self.network = tuple(
            EquinoxDense(self.to_device(W), self.to_device(b), activation) for (W, b), activation in layers
        )

    def forward(self) -> jax.Array:
        return self.wait(self._predict(self.network, self.x))

    def value_and_grad(self) -> tuple[jax.Array, Network]:
        return self.wait(self._value_and_grad(self.network, self.x, self.y))

    def train_step(self, learning_rate: float) -> tuple[jax.Array, Network]:
        value, self.network = self._descend(self.network, self.x, self.y, self.x.dtype.type(learning_rate))
        return self.wait((value, self.network))

    def to_numpy(self, result: Any) -> Any:
        if isinstance(result, jax.Array):
            return np.array(result)
        value, layers = result
        return np.array(value), [Layer(np.array(layer.W), np.array(layer.b)) for layer in layers]
