"""`keras-xla`: a Keras 3 model on TensorFlow, its gradient tape compiled by XLA in a tf.function."""

from __future__ import annotations

import os
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # its greeting on standard error; warnings stay

import keras
import tensorflow as tf

from impls.errors import Unavailable
from impls.implementation import Implementation
from impls.parameters import Array, Layer, Parameters
from impls.problem import SEED, Problem

if keras.backend.backend() != "tensorflow":
    raise Unavailable(f"keras runs on {keras.backend.backend()!r} here; set KERAS_BACKEND=tensorflow for keras-xla")

ACTIVATIONS = {"sigmoid": "sigmoid", "tanh": "tanh", "relu": "relu", "identity": "linear"}

tf.config.experimental.enable_tensor_float_32_execution(False)  # on a GPU the default is on


def find_device(device: str) -> str:
    """The TensorFlow device of that kind. Raises Unavailable where there is none: TensorFlow would use the CPU."""
    devices = tf.config.list_logical_devices(device.upper())
    if not devices:
        raise Unavailable(f"tensorflow {tf.__version__} sees no {device!r} device; use 'cpu' or tensorflow[and-cuda]")
    return devices[0].name


def build(problem: Problem, parameters: Parameters, dtype: str) -> keras.Sequential:
    """The network as a Keras model; its Dense kernels have our (fan_in, fan_out) layout."""
    keras.config.set_floatx(dtype)  # before any layer: inputs and losses are cast to it
    layers = [
        keras.layers.Dense(fan_out, activation=ACTIVATIONS[activation], dtype=dtype)
        for fan_out, activation in zip(problem.sizes[1:], problem.activations, strict=True)
    ]
    model = keras.Sequential([keras.Input((problem.sizes[0],), dtype=dtype), *layers])
    model.set_weights([tensor for layer in parameters for tensor in layer])
    return model


class KerasXla(Implementation):
    """model(x) under a GradientTape, inside tf.function(jit_compile=True)."""

    def prepare(
        self,
        problem: Problem,
        parameters: Parameters,
        batch: int,
        dtype: str = "float32",
        device: str = "cpu",
        seed: int = SEED,
    ) -> None:
        x, y = problem.data(batch, seed)
        with tf.device(find_device(device)):
            self.x, self.y = tf.constant(x, dtype), tf.constant(y, dtype)
            model = build(problem, parameters, dtype)
            optimizer = keras.optimizers.SGD()
            optimizer.build(model.trainable_variables)
        self.on_gpu = device != "cpu"
        self.optimizer = optimizer
        self.learning_rate: float | None = None
        self.weights = model.trainable_variables
        error = keras.losses.MeanSquaredError(dtype=dtype)

        def value_and_grad(x, y):
            with tf.GradientTape() as tape:
                loss = error(y, model(x, training=True))
            return loss, tape.gradient(loss, self.weights)

        def descend(x, y):
            loss, gradients = value_and_grad(x, y)
            optimizer.apply(gradients, self.weights)
            return loss

        self._predict = tf.function(lambda x: model(x, training=False), jit_compile=True)
        self._value_and_grad = tf.function(value_and_grad, jit_compile=True)
        self._descend = tf.function(descend, jit_compile=True)

    def forward(self) -> tf.Tensor:
        return self._ready(self._predict(self.x))

    def value_and_grad(self):
        return self._ready(self._value_and_grad(self.x, self.y))

    def train_step(self, learning_rate: float):
        if learning_rate != self.learning_rate:  # setting it costs more than the step
            self.optimizer.learning_rate = self.learning_rate = learning_rate
        return self._ready((self._descend(self.x, self.y), self.weights))

    def to_numpy(self, result: Any) -> Any:
        if isinstance(result, tf.Tensor):
            return result.numpy()
        loss, flat = result
        arrays: list[Array] = [keras.ops.convert_to_numpy(tensor) for tensor in flat]
        return loss.numpy(), [Layer(W, b) for W, b in zip(arrays[0::2], arrays[1::2], strict=True)]

    def _ready(self, result: Any) -> Any:
        """Wait for the device: on a GPU the calls above only queue their work."""
        if self.on_gpu:
            tf.test.experimental.sync_devices()
        return result

    @classmethod
    def set_threads(cls, threads: int) -> None:
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(threads)

    @classmethod
    def threads(cls) -> dict[str, int]:
        return {
            "tensorflow intra-op": tf.config.threading.get_intra_op_parallelism_threads(),
            "tensorflow inter-op": tf.config.threading.get_inter_op_parallelism_threads(),
        }
