"""`jax-manual`: the gradient by hand, compiled, in the shapes that XLA's CPU compiler likes best.

The equations are those of `numpy_manual`, with samples as columns. Parameters and the last loss are one vector, inputs
and targets are one array, and loss and gradient leave as one vector, since a call pays for every array. What is left to
choose changes nothing but the time:

- A large batch on a CPU goes through a `scan` over chunks that stay in the second-level cache.
- A few samples go through a `scan` one by one, each product written as a multiplication and a sum: XLA compiles a loop
  of so small a body into one function, where it would otherwise run kernel after kernel.
- On a CPU the work is done in the calling thread where JAX allows it, which saves handing it to another.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from impls.errors import Unavailable
from impls.on_jax import OnJax
from impls.parameters import Array, Layer, Parameters
from impls.problem import SEED, Problem

jax.config.update("jax_cpu_enable_async_dispatch", False)

FEW = 32
"""Up to so many samples are taken one by one."""
CHUNK_BYTES = 64 * 1024
"""The length of a chunk's rows on a CPU."""


@dataclass(frozen=True)
class Network:
    """The passes, pure functions of a state [last loss, W1, b1, W2, …] and of samples (inputs + outputs, n)."""

    sizes: tuple[int, ...]
    activations: tuple[str, ...]
    few: bool

    def layers(self, state: jax.Array | Array) -> list[Layer]:
        """The vector's stretches as (W: (fan_in, fan_out), b: (fan_out,))."""
        layers, start = [], 1
        for fan_in, fan_out in pairwise(self.sizes):
            middle = start + fan_in * fan_out
            layers.append(Layer(state[start:middle].reshape(fan_in, fan_out), state[middle : middle + fan_out]))
            start = middle + fan_out
        return layers

    def weigh(self, W: jax.Array, a: jax.Array) -> jax.Array:
        """Wᵀ a: (fan_out, n)."""
        return jnp.sum(W[:, :, None] * a[:, None, :], axis=0) if self.few else W.T @ a

    def pair(self, a: jax.Array, delta: jax.Array) -> jax.Array:
        """a δᵀ: (fan_in, fan_out), the sum over samples."""
        return jnp.sum(a[:, None, :] * delta[None, :, :], axis=2) if self.few else a @ delta.T

    def activate(self, state: jax.Array, x: jax.Array) -> list[jax.Array]:
        """x and the activations of all layers, each (units, n)."""
        activations = [x]
        for (W, b), activation in zip(self.layers(state), self.activations, strict=True):
            z = self.weigh(W, activations[-1]) + b[:, None]
            activations.append(jax.nn.sigmoid(z) if activation == "sigmoid" else z)
        return activations

    def predict(self, state: jax.Array, x: jax.Array) -> jax.Array:
        """Predictions (outputs, n) of inputs (inputs, n)."""
        return self.activate(state, x)[-1]

    def sums(self, state: jax.Array, samples: jax.Array) -> jax.Array:
        """[Σe², Σ aδᵀ, Σ δ, …] over the samples, laid out as the state, with δ = e ∘ σ′ in the last layer."""
        *inputs, a = self.activate(state, samples[: self.sizes[0]])
        e = a - samples[self.sizes[0] :]
        delta = e * slope(self.activations[-1], a)
        gradients: list[jax.Array] = []
        for layer in reversed(range(len(inputs))):
            gradients = [self.pair(inputs[layer], delta).ravel(), jnp.sum(delta, axis=1), *gradients]
            if layer > 0:
                W = self.layers(state)[layer].W
                delta = self.weigh(W.T, delta) * slope(self.activations[layer - 1], inputs[layer])
        return jnp.concatenate([jnp.sum(e * e)[None], *gradients])

    def value_and_grad(self, state: jax.Array, *samples: jax.Array) -> jax.Array:
        """[loss, gradient] over all samples: (inputs + outputs, n), or chunks of them (number, inputs + outputs, n)."""
        total, size = jnp.zeros_like(state), 0
        for part in samples:
            size += part.size // part.shape[-2] * self.sizes[-1]
            if part.ndim == 2:
                total += self.sums(state, part)
            else:
                total, _ = jax.lax.scan(lambda total, chunk: (total + self.sums(state, chunk), None), total, part)
        return jnp.concatenate([total[:1] / size, total[1:] * (2 / size)])

    def descend(self, learning_rate: jax.Array, state: jax.Array, *samples: jax.Array) -> jax.Array:
        """The state one step further on."""
        evaluation = self.value_and_grad(state, *samples)
        return jnp.concatenate([evaluation[:1], state[1:] - learning_rate * evaluation[1:]])

    def descend_often(self, learning_rate: jax.Array, steps: int, state: jax.Array, *samples: jax.Array) -> jax.Array:
        """The state several steps further on."""
        return jax.lax.fori_loop(0, steps, lambda _, state: self.descend(learning_rate, state, *samples), state)


def slope(activation: str, a: jax.Array) -> jax.Array | float:
    """f′(z) as a function of a = f(z)."""
    return a - a * a if activation == "sigmoid" else 1.0


@cache
def compiled(network: Network) -> tuple[Callable[..., jax.Array], ...]:
    """The passes under jit: one set for each network, so that a shape is compiled once in a process."""
    passes = (network.predict, network.value_and_grad, network.descend, network.descend_often)
    return tuple(jax.jit(one) for one in passes)


class JaxManual(OnJax):
    """Hand-derived passes under jit, the data as arguments."""

    x: Any
    samples: list[Any]
    """Arrays of the device, or of NumPy where they were fed."""

    def prepare(
        self,
        problem: Problem,
        parameters: Parameters,
        batch: int,
        dtype: str = "float32",
        device: str = "cpu",
        seed: int = SEED,
    ) -> None:
        if set(problem.activations) - {"sigmoid", "identity"}:
            raise Unavailable(f"jax-manual is written for sigmoid and identity, which {problem.name!r} goes beyond")
        self.place(device)
        few = batch <= FEW and device == "cpu"
        self.length = 1 if few else CHUNK_BYTES // np.dtype(dtype).itemsize if device == "cpu" else batch
        self.network = Network(problem.sizes, problem.activations, few)
        self.feed(*problem.data(batch, seed, dtype))
        self.x, self.samples = map(self.to_device, (self.x, self.samples))
        flat = [np.zeros(1), *(tensor.ravel() for layer in parameters for tensor in layer)]
        self.state = self.to_device(np.concatenate(flat).astype(dtype))
        self.learning_rate: float | None = None
        self._predict, self._value_and_grad, self._descend, self._descend_often = compiled(self.network)

    def feed(self, x: Array, y: Array | None = None) -> None:
        """Samples as columns, and for the gradient inputs and targets in one, in chunks."""
        self.x = np.ascontiguousarray(x.T)
        if y is not None:
            samples, length = np.concatenate([x.T, y.T]), self.length
            whole, rest = np.split(samples, [len(x) // length * length], axis=1)
            chunks = whole.reshape(len(samples), -1, length).swapaxes(0, 1)
            parts = [samples] if len(x) == length and not self.network.few else [chunks, rest]
            self.samples = [part for part in parts if part.size]

    def _rate(self, learning_rate: float) -> jax.Array:
        """The learning rate on the device: sending a number costs as much as a step."""
        if learning_rate != self.learning_rate:
            self.learning_rate = learning_rate
            self.rate = self.to_device(np.array(learning_rate, self.state.dtype))
        return self.rate

    def forward(self) -> jax.Array:
        return self.wait(self._predict(self.state, self.x))

    def value_and_grad(self) -> jax.Array:
        return self.wait(self._value_and_grad(self.state, *self.samples))

    def train_step(self, learning_rate: float) -> jax.Array:
        self.state = self._descend(self._rate(learning_rate), self.state, *self.samples)
        return self.wait(self.state)

    def train_loop(self, learning_rate: float, steps: int) -> jax.Array:
        self.state = self._descend_often(self._rate(learning_rate), steps, self.state, *self.samples)
        return self.wait(self.state)

    def to_numpy(self, result: jax.Array) -> Any:
        if result.ndim == 2:
            return np.array(result).T
        vector = np.array(result)
        return vector[0].copy(), self.network.layers(vector)
