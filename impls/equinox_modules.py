"""`equinox`: the network as a module, which is a tree of arrays; equinox differentiates and compiles by JAX.

Its filtered jit and gradient take whole modules as arguments and tell arrays from everything else at each call.
"""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from impls.errors import Unavailable
from impls.implementation import Implementation
from impls.parameters import Layer, Parameters, rounded
from impls.problem import SEED, Problem

jax.config.update("jax_enable_x64", True)  # without it float64 silently becomes float32; float32 stays float32
jax.config.update("jax_default_matmul_precision", "highest")  # on a GPU the default is TF32

ACTIVATIONS = {"sigmoid": jax.nn.sigmoid, "tanh": jnp.tanh, "relu": jax.nn.relu, "identity": lambda z: z}


class Dense(eqx.Module):
    """One layer a = f(x W + b), and the gradient of one."""

    W: jax.Array
    b: jax.Array
    activation: str = eqx.field(static=True)

    def __call__(self, x: jax.Array) -> jax.Array:
        return ACTIVATIONS[self.activation](x @ self.W + self.b)


Network = tuple[Dense, ...]


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


class EquinoxModules(Implementation):
    """The passes under `filter_jit`, the network, the data and the learning rate as arguments."""

    def prepare(
        self,
        problem: Problem,
        parameters: Parameters,
        batch: int,
        dtype: str = "float32",
        device: str = "cpu",
        seed: int = SEED,
    ) -> None:
        try:
            self.device = jax.devices(device)[0]
        except RuntimeError:
            raise Unavailable(
                f"jax {jax.__version__} sees no {device!r} device; install jax[cuda] or use 'cpu'"
            ) from None
        self.x, self.y = (self._put(rows.astype(dtype)) for rows in problem.data(batch, seed))
        layers = zip(rounded(parameters, dtype), problem.activations, strict=True)
        self.network = tuple(Dense(self._put(W), self._put(b), activation) for (W, b), activation in layers)

    def _put(self, array: Any) -> jax.Array:
        return jax.device_put(array, self.device)

    def forward(self) -> jax.Array:
        return jax.block_until_ready(predict(self.network, self.x))

    def value_and_grad(self) -> tuple[jax.Array, Network]:
        return jax.block_until_ready(value_and_grad(self.network, self.x, self.y))

    def train_step(self, learning_rate: float) -> tuple[jax.Array, Network]:
        value, self.network = descend(self.network, self.x, self.y, self.x.dtype.type(learning_rate))
        return jax.block_until_ready((value, self.network))

    def to_numpy(self, result: Any) -> Any:
        if isinstance(result, jax.Array):
            return np.array(result)
        value, layers = result
        return np.array(value), [Layer(np.array(layer.W), np.array(layer.b)) for layer in layers]
