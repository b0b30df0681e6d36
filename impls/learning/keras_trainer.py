"""Keras on TensorFlow: a Sequential model, a gradient tape and keras.optimizers, in one function compiled by XLA.

Two things keep keras.optimizers from the textbook, besides their choices for ε, and both are mended here:

- On TensorFlow a Python float in an optimizer passes through float32 where Keras casts it (`ops.cast(0.9, "float64")`
  is 0.8999999761581421). A `np.float64` keeps its digits; as a factor it is on the right, since on the left NumPy
  would take over and ask a variable for its values, which it does not have in a compiled function.
- RMSprop has ε inside its root; Adam adds it to √v instead of √v̂, and takes βᵗ in the dtype, which costs float32 its
  last digits while βᵗ is near 1. Each has a small subclass below.
"""

from __future__ import annotations

from typing import Any

import samegrad.impls.on_tensorflow  # noqa: F401 (before Keras, whose back end it chooses)

# isort: split
import keras
import numpy as np
import tensorflow as tf

from samegrad.impls.learning.optimizers import Settings
from samegrad.impls.learning.trainer import Departure, Setup, Trainer
from samegrad.impls.on_keras.model import build
from samegrad.impls.on_tensorflow.shared import find_device
from samegrad.impls.parameters import Array, Layer, Parameters


class OutsideRmsProp(keras.optimizers.RMSprop):
    """keras.optimizers.RMSprop with p ← p − λ·g/(√v + ε), or √(v − m²) + ε when centered."""

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        index = self._get_variable_index(variable)
        rate = keras.ops.cast(learning_rate, variable.dtype)
        v = self._velocities[index]
        v.assign(v * self.rho + keras.ops.square(gradient) * (1 - self.rho))  # on the right: see the module's head
        spread = v
        if self.centered:
            m = self._average_gradients[index]
            m.assign(m * self.rho + gradient * (1 - self.rho))
            spread = v - keras.ops.square(m)
        variable.assign_sub(rate * gradient / (keras.ops.sqrt(spread) + self.epsilon))


class CorrectedAdam(keras.optimizers.Adam):
    """keras.optimizers.Adam with p ← p − λ·m̂/(√v̂ + ε), its 1 − βᵗ in float64."""

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        index = self._get_variable_index(variable)
        rate = keras.ops.cast(learning_rate, variable.dtype)
        m, v = self._momentums[index], self._velocities[index]
        m.assign(m * self.beta_1 + gradient * (1 - self.beta_1))
        v.assign(v * self.beta_2 + keras.ops.square(gradient) * (1 - self.beta_2))
        m_hat, v_hat = m / self.correction(self.beta_1), v / self.correction(self.beta_2)
        variable.assign_sub(rate * m_hat / (keras.ops.sqrt(v_hat) + self.epsilon))

    def correction(self, beta: float) -> Any:
        """1 − βᵗ"""
        t = keras.ops.cast(self.iterations + 1, "float64")
        power = keras.ops.power(keras.ops.convert_to_tensor(np.float64(beta)), t)
        return keras.ops.cast(1 - power, keras.config.floatx())


def own(settings: Settings, shipped: bool = False) -> keras.optimizers.Optimizer:
    """Keras's optimizer as it is, or with exact constants and the textbook's ε."""
    kind = np.float64 if not shipped and keras.config.floatx() == "float64" else float
    rate = kind(settings.learning_rate)
    epsilon = {} if shipped else {"epsilon": kind(settings.epsilon)}
    match settings.name:
        case "sgd":
            return keras.optimizers.SGD(rate)
        case "momentum" | "nesterov" as name:
            return keras.optimizers.SGD(rate, momentum=kind(settings.momentum), nesterov=name == "nesterov")
        case "adam":
            adam = keras.optimizers.Adam if shipped else CorrectedAdam
            return adam(rate, beta_1=kind(settings.beta_1), beta_2=kind(settings.beta_2), **epsilon)
        case name:
            rms_prop = keras.optimizers.RMSprop if shipped else OutsideRmsProp
            return rms_prop(rate, rho=kind(settings.rho), centered=name == "rmsprop-centered", **epsilon)


def follow(settings: Settings, start: Array, gradients: Array, rates: Array, shipped: bool = False) -> Array:
    """See `optimizers.follow`: the same by keras.optimizers."""
    keras.config.set_floatx(str(start.dtype))
    p = keras.Variable(start, dtype=str(start.dtype))
    optimizer = own(settings, shipped)
    optimizer.build([p])
    after = []
    for g, rate in zip(gradients, rates, strict=True):
        optimizer.learning_rate.assign(np.asarray(rate, start.dtype))
        optimizer.apply([tf.constant(g)], [p])
        after.append(p.numpy().copy())
    return np.stack(after)


def departures(settings: Settings, dtype: str) -> list[Departure]:
    """The departures of Keras: ε is 10⁻⁷ and elsewhere, λ is in the velocity, constants pass through float32."""
    if settings.name in ("momentum", "nesterov"):
        known = [Departure("λ inside the velocity", {"rate_inside": True})]
        return known + ([Departure("μ through float32", {"float32_momentum": True})] if dtype == "float64" else [])
    if settings.name.startswith("rmsprop"):
        return [
            Departure("default ε 1e-7", {"epsilon": 1e-7}),
            Departure("ε inside the root", {"epsilon_inside": True}),
        ]
    if settings.name == "adam":
        through = "β through float32 in 1 − βᵗ" if dtype == "float64" else "1 − βᵗ in float32"
        return [
            Departure("default ε 1e-7", {"epsilon": 1e-7}),
            Departure("ε added to √v, not √v̂", {"epsilon_hat": True}),
            Departure(through, {"float32_powers": True}),
        ]
    return []


class KerasTrainer(Trainer):
    """model(x) under a GradientTape, optimizer.apply, inside tf.function(jit_compile=True)."""

    def __init__(self, setup: Setup) -> None:
        self._device = find_device("cpu")
        with tf.device(self._device):
            self.model = model = build(setup.task)
            trained = [weights for weights in model.trainable_variables if setup.biases or len(weights.shape) == 2]
            optimizer = own(setup.settings, setup.shipped)
            optimizer.build(trained)
        error = keras.losses.MeanSquaredError(dtype=setup.task.dtype)

        def descend(x: Any, y: Any) -> Any:
            with tf.GradientTape() as tape:
                loss = error(y, model(x, training=True))
            optimizer.apply(tape.gradient(loss, trained), trained)
            return loss

        self._start = [(variable, variable.numpy().copy()) for variable in (*model.variables, *optimizer.variables)]
        self._descend = tf.function(descend, jit_compile=True)
        self._predict = tf.function(lambda x: model(x, training=False), jit_compile=True)

    def restart(self) -> None:
        for variable, value in self._start:
            variable.assign(value)

    def place(self, x: Array, y: Array) -> tuple[tf.Tensor, tf.Tensor]:
        with tf.device(self._device):
            return tf.constant(x), tf.constant(y)

    def step(self, x: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
        return self._descend(x, y)

    def predict(self, x: Array) -> Array:
        return self._predict(tf.constant(x)).numpy()

    def parameters(self) -> Parameters:
        flat = self.model.get_weights()
        return [Layer(W, b) for W, b in zip(flat[0::2], flat[1::2], strict=True)]


TRAINER = KerasTrainer
