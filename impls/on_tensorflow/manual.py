"""`tensorflow-manual`: the gradient by hand, compiled by XLA, as far as TensorFlow's public interface goes.

The equations are those of `on_numpy/manual.py`, with samples as columns:

    forward     zℓ = Wℓᵀ aℓ₋₁ + bℓ                    aℓ = f(zℓ)
    output      δₘ = e ∘ f′(zₘ)                        e = aₘ − y; the factor 2/(n·k) comes at the end
    hidden      δℓ = Wℓ₊₁ δℓ₊₁ ∘ f′(zℓ)
    gradient    ∂L/∂Wℓ = 2/(n·k) · aℓ₋₁ δℓᵀ           ∂L/∂bℓ = 2/(n·k) · Σ δℓ

The rest saves time per call. A tf.function looks for the right trace at every call and wraps its results, so the
traced function is called as a bare operation. A call pays for every tensor, so the last loss and the parameters are one
tensor, the *state*; the data are another; loss and gradient leave as one. A large batch on a CPU goes through a loop
over chunks that stay in the second-level cache.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import tensorflow as tf

from samegrad.impls.errors import Unavailable
from samegrad.impls.machine.cpu_cache import chunk_bytes
from samegrad.impls.on_tensorflow.shared import OnTensorflow
from samegrad.impls.parameters import Array, Layer
from samegrad.impls.problem import Problem
from samegrad.impls.task import Task

FEW = 64
"""The most samples for which multiplication and sum beat a matrix product."""
CHUNK_BYTES = chunk_bytes(64)
"""The bytes in a row of a chunk on a CPU."""


class TensorflowNetwork:
    """The passes as functions of a state [last loss, W1, b1, W2, …] and of samples (inputs + outputs, n)."""

    def __init__(self, problem: Problem, few: bool) -> None:
        self.sizes, self.activations, self.few = problem.sizes, problem.activations, few

    def layers(self, state: Any) -> list[Layer]:
        """The parameters in a state, as layers (W: (fan_in, fan_out), b: (fan_out,))."""
        layers, start = [], 1
        for fan_in, fan_out in pairwise(self.sizes):
            middle = start + fan_in * fan_out
            layers.append(Layer(state[start:middle], state[middle : middle + fan_out]))
            start = middle + fan_out
        reshape = np.reshape if isinstance(state, np.ndarray) else tf.reshape
        return [Layer(reshape(W, shape), b) for (W, b), shape in zip(layers, pairwise(self.sizes), strict=True)]

    def weigh(self, W: tf.Tensor, a: tf.Tensor) -> tf.Tensor:
        """Wᵀ a: (fan_out, n)."""
        if self.few:
            return tf.reduce_sum(W[:, :, None] * a[:, None, :], axis=0)
        return tf.matmul(W, a, transpose_a=True)

    def pair(self, a: tf.Tensor, delta: tf.Tensor) -> tf.Tensor:
        """a δᵀ: (fan_in, fan_out), the sum over samples."""
        if self.few:
            return tf.reduce_sum(a[:, None, :] * delta[None, :, :], axis=2)
        return tf.matmul(a, delta, transpose_b=True)

    def activate(self, state: tf.Tensor, x: tf.Tensor) -> list[tf.Tensor]:
        """x and the activations of all layers, each (units, n)."""
        activations = [x]
        for (W, b), activation in zip(self.layers(state), self.activations, strict=True):
            z = self.weigh(W, activations[-1]) + b[:, None]  # z = Wᵀ a + b
            activations.append(tf.sigmoid(z) if activation == "sigmoid" else z)
        return activations

    def predict(self, state: tf.Tensor, x: tf.Tensor) -> tf.Tensor:
        """Predictions (outputs, n) of inputs (inputs, n)."""
        return self.activate(state, x)[-1]

    def sums(self, state: tf.Tensor, samples: tf.Tensor) -> tf.Tensor:
        """[Σe², Σ aδᵀ, Σ δ, …] over the samples, in the order of the state."""
        *inputs, a = self.activate(state, samples[: self.sizes[0]])
        e = a - samples[self.sizes[0] :]
        delta = e * slope(self.activations[-1], a)  # δ = e ∘ f′
        gradients: list[tf.Tensor] = []
        for layer in reversed(range(len(inputs))):
            with_ones = tf.concat([inputs[layer], tf.ones_like(delta[:1])], axis=0)  # its product contains Σ δ as well
            gradients = [tf.reshape(self.pair(with_ones, delta), [-1]), *gradients]
            if layer > 0:
                W = self.layers(state)[layer].W  # δℓ = Wℓ₊₁ δℓ₊₁ ∘ f′(zℓ)
                delta = self.weigh(tf.transpose(W), delta) * slope(self.activations[layer - 1], inputs[layer])
        return tf.concat([tf.reduce_sum(e * e)[None], *gradients], axis=0)

    def value_and_grad(self, state: tf.Tensor, *samples: tf.Tensor) -> tf.Tensor:
        """[loss, gradient] over all samples: (inputs + outputs, n), or chunks of them (number, inputs + outputs, n)."""
        total, size = tf.zeros_like(state), 0
        for part in samples:
            size += part.shape[-1] * (part.shape[0] if part.shape.rank == 3 else 1) * self.sizes[-1]
            if part.shape.rank == 2:
                total += self.sums(state, part)
            else:
                for chunk in tf.range(part.shape[0]):
                    total += self.sums(state, part[chunk])
        return tf.concat([total[:1] / size, total[1:] * (2 / size)], axis=0)

    def descend(self, rate: tf.Tensor, state: tf.Tensor, *samples: tf.Tensor) -> tf.Tensor:
        """The state after one step: the loss before it, and p − λ·∂L/∂p."""
        evaluation = self.value_and_grad(state, *samples)
        return tf.concat([evaluation[:1], state[1:] - rate * evaluation[1:]], axis=0)

    def descend_often(self, rate: tf.Tensor, steps: tf.Tensor, state: tf.Tensor, *samples: tf.Tensor) -> tf.Tensor:
        """The state after several steps."""
        for _ in tf.range(steps):
            state = self.descend(rate, state, *samples)
        return state


def slope(activation: str, a: tf.Tensor) -> tf.Tensor | float:
    """f′(z) as a function of a = f(z)."""
    return a - a * a if activation == "sigmoid" else 1.0


def operation(function: Callable[..., tf.Tensor], *arguments: tf.Tensor) -> Callable[..., tf.Tensor]:
    """The function compiled for arguments of these shapes, as one operation that calls it.

    The operation ignores `jit_compile` of its own function, but a call inside that function heeds it.
    """
    compiled = tf.function(function, jit_compile=True)
    caller = tf.function(lambda *arguments: compiled(*arguments)).get_concrete_function(*arguments)
    dtypes = [caller.structured_outputs.dtype]
    return lambda *arguments: tf.raw_ops.PartitionedCall(args=arguments, Tout=dtypes, f=caller)[0]


class TensorflowManual(OnTensorflow):
    """The hand-derived passes, each traced for its tensors and called as one operation."""

    x: Any
    samples: list[Any]
    """Arrays on the device; those that `feed` brings are NumPy's."""

    def prepare(self, task: Task) -> None:
        problem, batch, dtype, device = task.problem, task.batch, task.dtype, task.device
        if set(problem.activations) - {"sigmoid", "identity"}:
            raise Unavailable(f"tensorflow-manual is written for sigmoid and identity, not for {problem.name!r}")
        self.place(device)
        length = CHUNK_BYTES // np.dtype(dtype).itemsize
        self.length = length if device == "cpu" and batch > length else batch
        self.feed(*task.data())
        self.x, self.samples = self.to_device(self.x), [self.to_device(part) for part in self.samples]
        flat = np.concatenate([np.zeros(1), *(tensor.ravel() for layer in task.parameters for tensor in layer)])
        self.state, self.rate, self.learning_rate = self.to_device(flat, dtype), self.to_device(0, dtype), 0.0
        self.network = network = TensorflowNetwork(problem, few=batch <= FEW and device == "cpu")
        with tf.device(self.device):
            passes = (
                operation(network.predict, self.state, self.x),
                operation(network.value_and_grad, self.state, *self.samples),
                operation(network.descend, self.rate, self.state, *self.samples),
                operation(network.descend_often, self.rate, tf.constant(1), self.state, *self.samples),
            )
        self._predict, self._value_and_grad, self._descend, self._descend_often = map(self.here, passes)

    def feed(self, x: Array, y: Array | None = None) -> None:
        """Take the samples as columns; for the gradient, inputs and targets as one array, in chunks."""
        self.x = np.ascontiguousarray(x.T)
        if y is not None:
            samples, length = np.concatenate([x.T, y.T]), self.length
            whole, rest = np.split(samples, [len(x) // length * length], axis=1)
            chunks = whole.reshape(len(samples), -1, length).swapaxes(0, 1)
            parts = [samples] if len(x) == length else [chunks, rest]
            self.samples = [part for part in parts if part.size]

    def forward(self) -> tf.Tensor:
        return self.wait(self._predict(self.state, self.x))

    def value_and_grad(self) -> tf.Tensor:
        return self.wait(self._value_and_grad(self.state, *self.samples))

    def train_step(self, learning_rate: float) -> tf.Tensor:
        self._set(learning_rate)
        self.state = self._descend(self.rate, self.state, *self.samples)
        return self.wait(self.state)

    def train_loop(self, learning_rate: float, steps: int) -> tf.Tensor:
        self._set(learning_rate)
        self.state = self._descend_often(self.rate, tf.constant(steps), self.state, *self.samples)
        return self.wait(self.state)

    def _set(self, learning_rate: float) -> None:
        if learning_rate != self.learning_rate:
            self.rate = self.to_device(learning_rate, self.state.dtype)
            self.learning_rate = learning_rate

    def to_numpy(self, result: tf.Tensor) -> Any:
        array = result.numpy()
        if array.ndim == 2:
            return array.T.copy()
        return array[0].copy(), [Layer(W.copy(), b.copy()) for W, b in self.network.layers(array)]
