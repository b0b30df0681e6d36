"""The network as a Keras 3 model, whichever back end computes it, and plain gradient descent for it.

One process has one back end, which Keras chooses at its import. So nothing here imports Keras at its top.
"""

from __future__ import annotations

import importlib
import os
from typing import Any

from samegrad.impls.errors import Unavailable
from samegrad.impls.task import Task

ACTIVATIONS = {"sigmoid": "sigmoid", "tanh": "tanh", "relu": "relu", "identity": "linear"}


def keras_on(backend: str) -> Any:
    """The module `keras` on that back end. Raises Unavailable where this process already has it on another."""
    os.environ["KERAS_BACKEND"] = backend
    keras = importlib.import_module("keras")
    if keras.backend.backend() != backend:
        raise Unavailable(f"keras runs on {keras.backend.backend()!r} here, and one process has one back end")
    return keras


def build(task: Task) -> Any:
    """The network as a `keras.Sequential`; its Dense kernels have our (fan_in, fan_out) layout."""
    import keras

    keras.config.set_floatx(task.dtype)  # before any layer: inputs and losses are cast to it
    layers = [
        keras.layers.Dense(fan_out, activation=ACTIVATIONS[activation], dtype=task.dtype)
        for fan_out, activation in zip(task.problem.sizes[1:], task.problem.activations, strict=True)
    ]
    model = keras.Sequential([keras.Input((task.problem.sizes[0],), dtype=task.dtype), *layers])
    model.set_weights([tensor for layer in task.parameters for tensor in layer])
    return model


def descent(model: Any) -> Any:
    """A `keras.optimizers.SGD` for that model; each step sets its learning rate."""
    import keras

    optimizer = keras.optimizers.SGD()
    optimizer.build(model.trainable_variables)
    return optimizer
