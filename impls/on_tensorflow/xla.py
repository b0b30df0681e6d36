"""`tensorflow-xla`: the network on TensorFlow without Keras, compiled by XLA.

It is what `keras-xla` runs, less Keras: variables, a gradient tape, tf.function(jit_compile=True). Of several networks,
for which Keras's layers have no axis, its products are those of stacks of matrices.
"""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from samegrad.impls.on_tensorflow.shared import TensorflowOnRows
from samegrad.impls.parameters import paired
from samegrad.impls.task import Task

ACTIVATIONS = {"sigmoid": tf.sigmoid, "tanh": tf.tanh, "relu": tf.nn.relu, "identity": tf.identity}


class TensorflowXla(TensorflowOnRows):
    """Variables under a GradientTape, inside tf.function(jit_compile=True)."""

    takes_networks = True

    def prepare(self, task: Task) -> None:
        self.place(task.device)
        self.feed(*map(self.to_device, task.data()))
        with tf.device(self.device):
            weights = [tf.Variable(tensor, dtype=task.dtype) for layer in task.parameters for tensor in layer]
            self.rate = tf.Variable(0, dtype=task.dtype, trainable=False)
        self.weights, self.learning_rate, one = weights, 0.0, task.networks is None

        def predict(x: Any) -> Any:
            a = x
            for W, b, activation in zip(weights[0::2], weights[1::2], task.problem.activations, strict=True):
                a = ACTIVATIONS[activation](a @ W + (b if one else b[:, None]))
            return a

        def value_and_grad(x: Any, y: Any) -> tuple[Any, Any]:
            with tf.GradientTape() as tape:
                loss = tf.reduce_mean((predict(x) - y) ** 2, None if one else (1, 2))
            return loss, tape.gradient(loss, weights)

        def descend(x: Any, y: Any) -> Any:
            loss, gradients = value_and_grad(x, y)
            for weight, gradient in zip(weights, gradients, strict=True):
                weight.assign_sub(self.rate * gradient)
            return loss

        def descend_often(x: Any, y: Any, steps: Any) -> Any:
            loss = tf.zeros(() if one else task.networks, x.dtype)
            for _ in tf.range(steps):
                loss = descend(x, y)
            return loss

        self._predict = self.here(tf.function(predict, jit_compile=True))
        self._value_and_grad = self.here(tf.function(value_and_grad, jit_compile=True))
        self._descend = self.here(tf.function(descend, jit_compile=True))
        self._descend_often = self.here(tf.function(descend_often, jit_compile=True))

    def train_loop(self, learning_rate: float, steps: int) -> tuple[Any, Any]:
        self._set(learning_rate)
        return self.wait((self._descend_often(self.x, self.y, tf.constant(steps)), self.weights))

    def _set(self, learning_rate: float) -> None:
        if learning_rate != self.learning_rate:  # setting it costs about as much as the step
            self.rate.assign(learning_rate)
            self.learning_rate = learning_rate

    def to_numpy(self, result: Any) -> Any:
        if isinstance(result, tf.Tensor):
            return result.numpy()
        loss, flat = result
        return loss.numpy(), paired([tensor.numpy() for tensor in flat])
