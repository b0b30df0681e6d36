"""`keras-eager`, `keras-graph`, `keras-xla`, `keras-train-on-batch` and `keras-fit`: a Keras 3 model on TensorFlow.

The first three run the same gradient tape: as Python, as a graph, and compiled by XLA. The last two are the loops that
Keras itself offers. They train and predict, but cannot return a gradient.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import samegrad.impls.on_tensorflow  # noqa: F401 (before TensorFlow, whose greeting it turns off)

# isort: split
import numpy as np
import tensorflow as tf

from samegrad.impls.errors import Unavailable
from samegrad.impls.on_keras.model import build, descent, keras_on
from samegrad.impls.on_tensorflow.shared import TensorflowOnRows
from samegrad.impls.parameters import Array, paired
from samegrad.impls.task import Task

keras = keras_on("tensorflow")


class KerasOnTensorflow(TensorflowOnRows):
    """The base of all executions: a model, its data, and results as TensorFlow's tensors and Keras's variables."""

    def prepare(self, task: Task) -> None:
        self.place(task.device)
        self.feed(*map(self.to_device, task.data()))
        with tf.device(self.device):
            self.model = build(task)
            self.optimizer = descent(self.model)
        self.dtype = task.dtype
        self.learning_rate: float | None = None
        self.weights = self.model.trainable_variables

    def _set(self, learning_rate: float) -> None:
        if learning_rate != self.learning_rate:  # setting it costs more than the step
            self.optimizer.learning_rate = self.learning_rate = learning_rate

    def to_numpy(self, result: Any) -> Any:
        if not isinstance(result, tuple):
            return np.array(result)
        loss, flat = result
        return np.array(loss, self.dtype), paired([tensor.numpy() for tensor in flat])


class KerasEager(KerasOnTensorflow):
    """model(x) under a GradientTape, operation by operation."""

    @staticmethod
    def compile(function: Callable[..., Any]) -> Callable[..., Any]:
        """Return the pass in the form that is called: here unchanged, as plain Python."""
        return function

    def prepare(self, task: Task) -> None:
        super().prepare(task)
        model, optimizer, weights = self.model, self.optimizer, self.weights
        error = keras.losses.MeanSquaredError(dtype=task.dtype)

        def value_and_grad(x: Any, y: Any) -> tuple[Any, Any]:
            with tf.GradientTape() as tape:
                loss = error(y, model(x, training=True))
            return loss, tape.gradient(loss, weights)

        def descend(x: Any, y: Any) -> Any:
            loss, gradients = value_and_grad(x, y)
            optimizer.apply(gradients, weights)
            return loss

        self._predict = self.here(self.compile(lambda x: model(x, training=False)))
        self._value_and_grad = self.here(self.compile(value_and_grad))
        self._descend = self.here(self.compile(descend))


class KerasGraph(KerasEager):
    """The same tape traced into a graph by tf.function."""

    compile = staticmethod(tf.function)


class KerasXla(KerasEager):
    """The same graph compiled by XLA: tf.function(jit_compile=True)."""

    compile = staticmethod(partial(tf.function, jit_compile=True))


class KerasTrainOnBatch(KerasOnTensorflow):
    """model.train_on_batch and model.predict_on_batch, the model compiled with its optimizer and loss."""

    def prepare(self, task: Task) -> None:
        super().prepare(task)
        self.batch = task.batch
        self.model.compile(optimizer=self.optimizer, loss="mean_squared_error")
        self._predict, self._train = self.here(self.model.predict_on_batch), self.here(self.model.train_on_batch)

    def forward(self) -> Array:
        return self.wait(self._predict(self.x))

    def value_and_grad(self) -> Any:
        raise Unavailable("Keras's own training loops return no gradient; use keras-eager, keras-graph or keras-xla")

    def train_step(self, learning_rate: float) -> tuple[Any, Any]:
        self._set(learning_rate)
        self.model.reset_metrics()  # otherwise the loss is the mean of all steps so far
        return self.wait((self._train(self.x, self.y), self.weights))


class KerasFit(KerasTrainOnBatch):
    """model.fit over one batch, an epoch for each step, and model.predict."""

    def prepare(self, task: Task) -> None:
        super().prepare(task)
        self._predict, self._train = self.here(self.model.predict), self.here(self.model.fit)

    def forward(self) -> Array:
        return self.wait(self._predict(self.x, batch_size=self.batch, verbose=0))

    def train_step(self, learning_rate: float) -> tuple[Any, Any]:
        return self.train_loop(learning_rate, 1)

    def train_loop(self, learning_rate: float, steps: int) -> tuple[Any, Any]:
        self._set(learning_rate)
        done = self._train(self.x, self.y, batch_size=self.batch, epochs=steps, shuffle=False, verbose=0)
        return self.wait((done.history["loss"][-1], self.weights))
