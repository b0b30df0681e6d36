"""`tensorflow-networks`: many networks at once, by hand, compiled by XLA, the networks along the last axis.

What is a number of one network is a vector over them, which XLA's loops run along. With i and j for the units before
and after a layer, r for the row and k for the network,

    forward     z_rjk  = Σᵢ a_rik W_ijk + b_jk      a = f(z)
    output      δ_rjk  = 2/(n·m) · (a_rjk − y_rj) ∘ f′(z_rjk)      over the n·m elements of a prediction
    hidden      δ_rik  = Σⱼ δ_rjk W_ijk ∘ f′(z_rik)
    weights     ∂L/∂W_ijk = Σᵣ a_rik δ_rjk          biases   ∂L/∂b_jk = Σᵣ δ_rjk

As in `on_jax/networks.py` every sum of a few terms is written out, which XLA fuses into straight code.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import tensorflow as tf

from samegrad.impls.on_tensorflow.shared import TensorflowOnRows
from samegrad.impls.on_tensorflow.xla import ACTIVATIONS
from samegrad.impls.parameters import paired
from samegrad.impls.task import Task

FEW = 16
"""The most terms of a sum that is written out."""
SLOPES: dict[str, Callable[[Any], Any]] = {
    "sigmoid": lambda a: a - a * a,
    "tanh": lambda a: (1 - a) * (1 + a),
    "relu": lambda a: tf.cast(a > 0, a.dtype),
    "identity": tf.ones_like,
}
"""f′(z) as a function of a = f(z)."""


def total(terms: Iterable[Any]) -> Any:
    """The sum of the terms in order, without a zero before the first."""
    first, *others = terms
    return sum(others, start=first)


def weigh(a: Any, W: Any) -> Any:
    """Σᵢ a_rik W_ijk: (rows, fan_out, K)."""
    if W.shape[0] > FEW:
        return tf.reduce_sum(a[:, :, None] * W, axis=1)
    return total(a[:, i, None] * W[i] for i in range(W.shape[0]))


def pair(a: Any, delta: Any) -> Any:
    """Σᵣ a_rik δ_rjk: (fan_in, fan_out, K)."""
    if a.shape[0] > FEW:
        return tf.reduce_sum(a[:, :, None] * delta[:, None], axis=0)
    return total(a[r, :, None] * delta[r] for r in range(a.shape[0]))


def over_rows(terms: Any) -> Any:
    """The sum over the rows of terms (rows, …)."""
    return tf.reduce_sum(terms, axis=0) if terms.shape[0] > FEW else total(tf.unstack(terms))


class TensorflowNetworks(TensorflowOnRows):
    """Passes over a list of tensors W1, b1, W2, …, the networks last. One network is a stack of one."""

    takes_networks = True

    def prepare(self, task: Task) -> None:
        self.place(task.device)
        self.feed(*map(self.to_device, task.data()))
        self.has_axis, self.activations = task.networks is not None, task.problem.activations
        tensors = [tensor if self.has_axis else tensor[None] for layer in task.layers() for tensor in layer]
        self.weights = [self.to_device(np.moveaxis(tensor, 0, -1)) for tensor in tensors]
        self.rate, self.learning_rate = self.to_device(0, task.dtype), 0.0
        passes = (self.predict, self.evaluate, self.descend, self.descend_often)
        compiled = (self.here(tf.function(one, jit_compile=True)) for one in passes)
        self._predict, self._value_and_grad, self._descend, self._descend_often = compiled

    def activate(self, weights: list[Any], x: Any) -> list[Any]:
        """x, (rows, inputs, 1), and the activations of all layers, (rows, units, K)."""
        activations = [x[..., None]]
        for W, b, activation in zip(weights[0::2], weights[1::2], self.activations, strict=True):
            activations.append(ACTIVATIONS[activation](weigh(activations[-1], W) + b))
        return activations

    def predict(self, weights: list[Any], x: Any) -> Any:
        """Predictions (rows, outputs, K)."""
        return self.activate(weights, x)[-1]

    def evaluate(self, weights: list[Any], x: Any, y: Any) -> tuple[Any, list[Any]]:
        """Losses (K,) and gradients."""
        *inputs, a = self.activate(weights, x)
        error, size = a - y[..., None], y.shape[0] * y.shape[1]
        delta = 2 / size * error * SLOPES[self.activations[-1]](a)
        gradients: list[Any] = []
        for layer in reversed(range(len(inputs))):
            gradients = [pair(inputs[layer], delta), over_rows(delta), *gradients]
            if layer > 0:
                W = tf.transpose(weights[2 * layer], [1, 0, 2])
                delta = weigh(delta, W) * SLOPES[self.activations[layer - 1]](inputs[layer])
        return tf.reduce_sum(over_rows(error * error), axis=0) / size, gradients

    def descend(self, weights: list[Any], x: Any, y: Any, rate: Any) -> tuple[Any, list[Any]]:
        """Losses (K,), and the parameters one step further on."""
        losses, gradients = self.evaluate(weights, x, y)
        return losses, [weight - rate * gradient for weight, gradient in zip(weights, gradients, strict=True)]

    def descend_often(self, weights: list[Any], x: Any, y: Any, rate: Any, steps: Any) -> tuple[Any, list[Any]]:
        """The losses before the last of several steps, and the parameters after it."""
        losses = tf.zeros_like(weights[1][0])
        for _ in tf.range(steps):
            losses, weights = self.descend(weights, x, y, rate)
        return losses, weights

    def forward(self) -> Any:
        return self.wait(self._predict(self.weights, self.x))

    def value_and_grad(self) -> tuple[Any, Any]:
        return self.wait(self._value_and_grad(self.weights, self.x, self.y))

    def train_step(self, learning_rate: float) -> tuple[Any, Any]:
        self._set(learning_rate)
        losses, self.weights = self._descend(self.weights, self.x, self.y, self.rate)
        return self.wait((losses, self.weights))

    def train_loop(self, learning_rate: float, steps: int) -> tuple[Any, Any]:
        self._set(learning_rate)
        losses, self.weights = self._descend_often(self.weights, self.x, self.y, self.rate, tf.constant(steps))
        return self.wait((losses, self.weights))

    def _set(self, learning_rate: float) -> None:
        if learning_rate != self.learning_rate:
            self.rate = self.to_device(learning_rate, self.x.dtype)
            self.learning_rate = learning_rate

    def to_numpy(self, result: Any) -> Any:
        if isinstance(result, tf.Tensor):
            return self._networks_first(result)
        losses, flat = result
        return self._networks_first(losses), paired([self._networks_first(tensor) for tensor in flat])

    def _networks_first(self, tensor: Any) -> Any:
        array = np.ascontiguousarray(np.moveaxis(tensor.numpy(), -1, 0))
        return array if self.has_axis else array[0].copy()
