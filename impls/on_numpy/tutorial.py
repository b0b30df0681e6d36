"""`numpy-tutorial`: backpropagation as tutorials write it, kept to show what care is worth.

New arrays at every line, `1/(1+np.exp(-x))`, `np.dot`, `np.mean`, and the slope from the output, `a·(1 − a)`. The
equations are those of `on_numpy/manual.py`. The exponential overflows for large −x; tutorials live with the warning.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from samegrad.impls.implementation import Implementation
from samegrad.impls.parameters import Array, Layer, Parameters
from samegrad.impls.task import Task


def sigmoid(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))


FUNCTIONS: dict[str, tuple[Callable, Callable]] = {
    "sigmoid": (sigmoid, lambda a: a * (1 - a)),
    "tanh": (np.tanh, lambda a: 1 - a**2),
    "relu": (lambda x: np.maximum(0, x), lambda a: np.where(a > 0, 1, 0).astype(a.dtype)),
    "identity": (lambda x: x, lambda a: np.ones_like(a)),
}


class NumpyTutorial(Implementation):
    """The network as most people first write it."""

    takes_any_batch = True

    def prepare(self, task: Task) -> None:
        task.require_cpu("numpy")
        self.feed(*task.data())
        self.parameters = task.layers()
        self.functions = [FUNCTIONS[name] for name in task.problem.activations]

    def feed(self, x: Array, y: Array | None = None) -> None:
        self.x = x
        if y is not None:
            self.y = y

    def _activations(self) -> list[Array]:
        outputs = [self.x]
        for (W, b), (f, _) in zip(self.parameters, self.functions, strict=True):
            outputs.append(f(np.dot(outputs[-1], W) + b))
        return outputs

    def forward(self) -> Array:
        return self._activations()[-1]

    def value_and_grad(self) -> tuple[np.floating, Parameters]:
        outputs = self._activations()
        error = outputs[-1] - self.y
        loss = np.mean(error**2)
        gradients: Parameters = []
        cotangent = 2 * error / error.size
        for layer in reversed(range(len(self.parameters))):
            delta = cotangent * self.functions[layer][1](outputs[layer + 1])
            gradients.insert(0, Layer(np.dot(outputs[layer].T, delta), np.sum(delta, axis=0)))
            cotangent = np.dot(delta, self.parameters[layer].W.T)
        return loss, gradients

    def train_step(self, learning_rate: float) -> tuple[np.floating, Parameters]:
        loss, gradients = self.value_and_grad()
        self.parameters = [
            Layer(W - learning_rate * dW, b - learning_rate * db)
            for (W, b), (dW, db) in zip(self.parameters, gradients, strict=True)
        ]
        return loss, self.parameters

    def to_numpy(self, result: Any) -> Any:
        return result
