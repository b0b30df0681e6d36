"""`autograd`: HIPS autograd notes NumPy's operations on a tape as they happen, and goes back along it."""

from __future__ import annotations

from typing import Any

import autograd.numpy as np
from autograd import value_and_grad
from autograd.scipy.special import expit

from samegrad.impls.implementation import Implementation
from samegrad.impls.parameters import Layer
from samegrad.impls.task import Task

ACTIVATIONS = {"sigmoid": expit, "tanh": np.tanh, "relu": lambda z: np.maximum(z, 0), "identity": lambda z: z}


class AutogradTape(Implementation):
    """A loss in NumPy's notation, differentiated anew at each call."""

    takes_any_batch = True

    def prepare(self, task: Task) -> None:
        task.require_cpu("autograd")
        self.feed(*task.data())
        self.parameters = [tuple(layer) for layer in task.layers()]  # no other types are differentiated
        self.functions = [ACTIVATIONS[name] for name in task.problem.activations]
        self._value_and_grad = value_and_grad(self._loss)

    def feed(self, x: Any, y: Any = None) -> None:
        self.x = x
        if y is not None:
            self.y = y

    def _predict(self, parameters: Any, x: Any) -> Any:
        a = x
        for (W, b), f in zip(parameters, self.functions, strict=True):
            a = f(np.dot(a, W) + b)
        return a

    def _loss(self, parameters: Any, x: Any, y: Any) -> Any:
        return np.mean((self._predict(parameters, x) - y) ** 2)

    def forward(self) -> Any:
        return self._predict(self.parameters, self.x)

    def value_and_grad(self) -> Any:
        return self._value_and_grad(self.parameters, self.x, self.y)

    def train_step(self, learning_rate: float) -> Any:
        loss, gradients = self.value_and_grad()
        pairs = zip(self.parameters, gradients, strict=True)
        self.parameters = [(W - learning_rate * dW, b - learning_rate * db) for (W, b), (dW, db) in pairs]
        return loss, self.parameters

    def to_numpy(self, result: Any) -> Any:
        if not isinstance(result, tuple):
            return result
        loss, layers = result
        return np.array(loss), [Layer(*layer) for layer in layers]
