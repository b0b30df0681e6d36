"""`jax-manual`: the gradient by hand, compiled, in the shapes that XLA's CPU compiler likes best.

The equations are those of `on_numpy/manual.py`, with samples as columns:

    forward     zℓ = Wℓᵀ aℓ₋₁ + bℓ                    aℓ = f(zℓ)
    output      δₘ = e ∘ f′(zₘ)                        e = aₘ − y; the factor 2/(n·k) comes at the end
    hidden      δℓ = Wℓ₊₁ δℓ₊₁ ∘ f′(zℓ)
    gradient    ∂L/∂Wℓ = 2/(n·k) · aℓ₋₁ δℓᵀ           ∂L/∂bℓ = 2/(n·k) · Σ δℓ

A call pays for every array. So the last loss and the parameters are one vector, the *state*; inputs and targets are one
array; loss and gradient leave as one vector. Three more choices change nothing but the time:

- A large batch on a CPU goes through a `scan` over chunks that stay in the second-level cache.
- With a few samples every sum is written out as additions, one term after the other. XLA fuses additions into straight
  code; of a reduction or a product it makes a loop, and computes the terms anew in each turn. The xor gradient is then
  four small kernels: h, o, the terms of all sums side by side, and their addition.
- On a CPU the work is done in the calling thread where JAX allows it, which saves handing it to another.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from samegrad.impls.errors import Unavailable
from samegrad.impls.machine.cpu_cache import chunk_bytes
from samegrad.impls.on_jax.shared import OnJax, jit, unravel
from samegrad.impls.parameters import Array
from samegrad.impls.task import Task

jax.config.update("jax_cpu_enable_async_dispatch", False)

FEW = 128
"""The most samples for which sums that are written out beat reductions and matrix products."""
NARROW = 16
"""The most units of a layer for which sums are written out, since they are compiled term by term."""
CHUNK_BYTES = chunk_bytes(16)
"""The bytes in a row of a chunk on a CPU."""


Samples = tuple[jax.Array, ...]
"""All samples: (inputs + outputs, n); or chunks of them, (number, inputs + outputs, length), and the rest."""


@dataclass(frozen=True)
class JaxNetwork:
    """The passes, pure functions of a state [last loss, W1, b1, W2, …] and of samples."""

    sizes: tuple[int, ...]
    activations: tuple[str, ...]
    few: bool

    def weigh(self, W: jax.Array, a: jax.Array) -> jax.Array:
        """Wᵀ a: (fan_out, n)."""
        return sum(w[:, None] * unit for w, unit in zip(W, a, strict=True)) if self.few else W.T @ a

    def activate(self, state: jax.Array, x: jax.Array) -> list[jax.Array]:
        """x and the activations of all layers, each (units, n)."""
        activations = [x]
        for (W, b), activation in zip(unravel(self.sizes, state), self.activations, strict=True):
            z = self.weigh(W, activations[-1]) + b[:, None]  # z = Wᵀ a + b
            activations.append(jax.nn.sigmoid(z) if activation == "sigmoid" else z)
        return activations

    def predict(self, state: jax.Array, x: jax.Array) -> jax.Array:
        """Predictions (outputs, n) of inputs (inputs, n)."""
        return self.activate(state, x)[-1]

    def sums(self, state: jax.Array, samples: jax.Array) -> jax.Array:
        """[Σe², Σ aδᵀ, Σ δ, …] over samples (inputs + outputs, n), in the order of the state."""
        *inputs, a = self.activate(state, samples[: self.sizes[0]])
        e = a - samples[self.sizes[0] :]
        delta = e * slope(self.activations[-1], a)  # δ = e ∘ f′
        pairs: list[tuple[jax.Array, jax.Array]] = []
        """The input a and the δ of each layer, whose product aδᵀ is the gradient of W."""
        for layer in reversed(range(len(inputs))):
            pairs = [(inputs[layer], delta), *pairs]
            if layer > 0:
                W = unravel(self.sizes, state)[layer].W  # δℓ = Wℓ₊₁ δℓ₊₁ ∘ f′(zℓ)
                delta = self.weigh(W.T, delta) * slope(self.activations[layer - 1], inputs[layer])
        return self.add_up(e * e, pairs)

    def add_up(self, squares: jax.Array, pairs: list[tuple[jax.Array, jax.Array]]) -> jax.Array:
        """The sums over samples of the squares and, pair by pair, of aδᵀ and δ, in one vector."""
        if self.few:
            terms = [sum(squares)[None]]
            for a, delta in pairs:
                terms += [(a[:, None] * delta).reshape(-1, delta.shape[1]), delta]
            return sum(jnp.concatenate(terms).T)
        sums = [jnp.sum(squares)[None]]
        for a, delta in pairs:
            sums += [(a @ delta.T).ravel(), jnp.sum(delta, axis=1)]
        return jnp.concatenate(sums)

    def value_and_grad(self, state: jax.Array, samples: Samples) -> jax.Array:
        """[loss, gradient] over all samples."""
        size = sum(part.size // part.shape[-2] for part in samples) * self.sizes[-1]
        means = jnp.where(jnp.arange(len(state)) == 0, 1 / size, 2 / size)  # computed on the way: a constant is loaded
        total = jnp.zeros_like(state)
        for part in samples:
            if part.ndim == 2:
                total += self.sums(state, part)
            else:
                total, _ = jax.lax.scan(lambda total, chunk: (total + self.sums(state, chunk), None), total, part)
        return total * means

    def descend(self, learning_rate: jax.Array, state: jax.Array, samples: Samples) -> jax.Array:
        """The state after one step: the loss before it, and p − λ·∂L/∂p."""
        evaluation = self.value_and_grad(state, samples)
        return jnp.concatenate([evaluation[:1], state[1:] - learning_rate * evaluation[1:]])

    def descend_often(self, learning_rate: jax.Array, steps: int, state: jax.Array, samples: Samples) -> jax.Array:
        """The state after several steps."""
        return jax.lax.fori_loop(0, steps, lambda _, state: self.descend(learning_rate, state, samples), state)


def slope(activation: str, a: jax.Array) -> jax.Array | float:
    """f′(z) as a function of a = f(z)."""
    return a - a * a if activation == "sigmoid" else 1.0


@cache
def compiled(network: JaxNetwork, device: jax.Device) -> tuple[Callable[..., jax.Array], ...]:
    """The passes under jit: one set for each network, so that a shape is compiled once in a process."""
    passes = (network.predict, network.value_and_grad, network.descend, network.descend_often)
    return tuple(jit(one, device) for one in passes)


class JaxManual(OnJax):
    """The hand-derived passes under jit, with the data as arguments."""

    x: Any
    samples: tuple[Any, ...]
    """Arrays on the device; those that `feed` brings are NumPy's."""

    def prepare(self, task: Task) -> None:
        problem, batch, dtype, device = task.problem, task.batch, task.dtype, task.device
        if set(problem.activations) - {"sigmoid", "identity"}:
            raise Unavailable(f"jax-manual is written for sigmoid and identity, which {problem.name!r} goes beyond")
        self.place(device)
        few = batch <= FEW and device == "cpu" and max(problem.sizes) <= NARROW
        self.length = CHUNK_BYTES // np.dtype(dtype).itemsize if device == "cpu" and not few else batch
        self.network = JaxNetwork(problem.sizes, problem.activations, few)
        self.feed(*task.data())
        self.x, self.samples = map(self.to_device, (self.x, self.samples))
        flat = [np.zeros(1), *(tensor.ravel() for layer in task.parameters for tensor in layer)]
        self.state = self.to_device(np.concatenate(flat).astype(dtype))
        self.learning_rate: float | None = None
        self._predict, self._value_and_grad, self._descend, self._descend_often = compiled(self.network, self.device)

    def feed(self, x: Array, y: Array | None = None) -> None:
        """Take the samples as columns; for the gradient, inputs and targets as one array, in chunks."""
        self.x = np.ascontiguousarray(x.T)
        if y is not None:
            samples, length = np.concatenate([x.T, y.T]), self.length
            whole, rest = np.split(samples, [len(x) // length * length], axis=1)
            chunks = whole.reshape(len(samples), -1, length).swapaxes(0, 1)
            parts = [samples] if len(x) == length else [chunks, rest]
            self.samples = tuple(part for part in parts if part.size)

    def _rate(self, learning_rate: float) -> jax.Array:
        """The learning rate on the device: sending a number costs as much as a step."""
        if learning_rate != self.learning_rate:
            self.learning_rate = learning_rate
            self.rate = self.to_device(np.array(learning_rate, self.state.dtype))
        return self.rate

    def forward(self) -> jax.Array:
        return self.wait(self._predict(self.state, self.x))

    def value_and_grad(self) -> jax.Array:
        return self.wait(self._value_and_grad(self.state, self.samples))

    def train_step(self, learning_rate: float) -> jax.Array:
        self.state = self._descend(self._rate(learning_rate), self.state, self.samples)
        return self.wait(self.state)

    def train_loop(self, learning_rate: float, steps: int) -> jax.Array:
        self.state = self._descend_often(self._rate(learning_rate), steps, self.state, self.samples)
        return self.wait(self.state)

    def to_numpy(self, result: jax.Array) -> Any:
        if result.ndim == 2:
            return np.array(result).T
        vector = np.array(result)
        return vector[0].copy(), unravel(self.network.sizes, vector)
