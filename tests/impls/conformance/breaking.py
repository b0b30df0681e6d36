"""Implementations that break one clause of the contract each, for `samegrad conformance` to find."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import numpy as np

from samegrad.impls.errors import Unavailable
from samegrad.impls.implementation import Implementation
from samegrad.impls.on_numpy.manual import NumpyManual
from samegrad.impls.on_numpy.tutorial import NumpyTutorial
from samegrad.impls.parameters import Layer


def changed(result: Any, change: Any) -> Any:
    """A pair of a loss and layers, every tensor changed."""
    loss, layers = result
    return loss, [Layer(change(W), change(b)) for W, b in layers]


class Faultless(NumpyTutorial):
    """Breaks nothing."""


def stepped(layers: Any, gradients: Any, learning_rate: float) -> Any:
    """One step of gradient descent."""
    return [
        Layer(*(p - learning_rate * g for p, g in zip(*pair, strict=True)))
        for pair in zip(layers, gradients, strict=True)
    ]


class WrongSign(NumpyTutorial):
    def value_and_grad(self):
        loss, [*before, (W, b)] = super().value_and_grad()
        return loss, [*before, Layer(W, -b)]

    def train_step(self, learning_rate):
        loss, gradients = super().value_and_grad()
        self.parameters = stepped(self.parameters, gradients, learning_rate)
        return loss, self.parameters


class NotANumber(NumpyTutorial):
    def forward(self):
        return super().forward() * np.float32(np.nan)


class Accumulating(NumpyTutorial):
    """Gradients are added to those that are there, as PyTorch does it."""

    def prepare(self, task):
        super().prepare(task)
        self.sum = [Layer(np.zeros_like(W), np.zeros_like(b)) for W, b in self.parameters]

    def value_and_grad(self):
        loss, gradients = super().value_and_grad()
        for total, layer in zip(self.sum, gradients, strict=True):
            total.W[:] += layer.W
            total.b[:] += layer.b
        return loss, [Layer(W.copy(), b.copy()) for W, b in self.sum]


class AccumulatingInSteps(Accumulating):
    """Zeroed by value_and_grad, but not by train_step."""

    def value_and_grad(self):
        return NumpyTutorial.value_and_grad(self)

    def train_step(self, learning_rate):
        loss, gradients = Accumulating.value_and_grad(self)
        self.parameters = stepped(self.parameters, gradients, learning_rate)
        return loss, self.parameters


class WithMomentum(NumpyTutorial):
    def prepare(self, task):
        super().prepare(task)
        self.velocity = None

    def train_step(self, learning_rate):
        loss, gradients = self.value_and_grad()
        before = self.velocity or gradients
        factor = self.x.dtype.type(0.9 if self.velocity else 0)
        self.velocity = [
            Layer(*(factor * v + g for v, g in zip(*pair, strict=True))) for pair in zip(before, gradients, strict=True)
        ]
        self.parameters = stepped(self.parameters, self.velocity, learning_rate)
        return loss, self.parameters


class Updating(NumpyTutorial):
    """A gradient that takes a step on the way."""

    def value_and_grad(self):
        result = super().value_and_grad()
        self.parameters = stepped(self.parameters, result[1], 0.1)
        return result

    def train_step(self, learning_rate):
        loss, gradients = super().value_and_grad()
        self.parameters = stepped(self.parameters, gradients, learning_rate)
        return loss, self.parameters


class Random(NumpyTutorial):
    """In the last digits only, well within the bound."""

    def prepare(self, task):
        super().prepare(task)
        self.rng = np.random.default_rng()

    def value_and_grad(self):
        def shaken(g):
            return g + g * np.asarray(self.rng.integers(-1, 2, g.shape) * np.finfo(g.dtype).eps, g.dtype)

        return changed(super().value_and_grad(), shaken)


class ThroughFloat32(NumpyTutorial):
    """The gradients take a way on which float64 is cut, as a cast in a framework does it."""

    def value_and_grad(self):
        return changed(super().value_and_grad(), lambda g: g.astype(np.float32).astype(g.dtype))


class ReturningFloat64(NumpyTutorial):
    def to_numpy(self, result):
        return np.asarray(result, np.float64) if isinstance(result, np.ndarray) else result


class Transposed(NumpyTutorial):
    """PyTorch's layout, (fan_out, fan_in)."""

    def to_numpy(self, result):
        return changed(result, np.transpose) if isinstance(result, tuple) else result


class Flat(NumpyTutorial):
    """Tensors in a row, not in layers."""

    def to_numpy(self, result):
        return (result[0], [t for layer in result[1] for t in layer]) if isinstance(result, tuple) else result


class PlainPairs(NumpyTutorial):
    def to_numpy(self, result):
        return (result[0], [tuple(layer) for layer in result[1]]) if isinstance(result, tuple) else result


class Views(NumpyManual):
    """Hands out the buffers that the next call overwrites."""

    def to_numpy(self, result):
        return result


class Late(NumpyTutorial):
    """Hands the work to a thread and returns."""

    def prepare(self, task):
        super().prepare(task)
        self.executor = ThreadPoolExecutor(1)

    def forward(self):
        def work():
            time.sleep(0.01)  # in which the call returns, however busy the machine
            return NumpyTutorial.forward(self)

        return self.executor.submit(work)

    def to_numpy(self, result):
        return result.result() if hasattr(result, "result") else result


class Lazy(NumpyTutorial):
    """Computes when it is looked at, and at each look again."""

    def value_and_grad(self):
        return super().value_and_grad

    def train_step(self, learning_rate):
        loss, gradients = super().value_and_grad()
        self.parameters = stepped(self.parameters, gradients, learning_rate)
        return loss, self.parameters

    def to_numpy(self, result):
        return result() if callable(result) else result


class OnAnotherDevice(NumpyTutorial):
    """Takes what it is asked for, and computes elsewhere."""

    def prepare(self, task):
        super().prepare(replace(task, device="cpu"))


class WaitingForOne(NumpyTutorial):
    """Does not expect several results to wait for."""

    def wait(self, result):
        if isinstance(result, list):
            raise AttributeError("'list' object has no attribute 'block_until_ready'")
        return result


class RandomForward(NumpyTutorial):
    """Leaves some units out, as dropout does where it is left on; never the same twice running, by this seed."""

    rng = np.random.default_rng(5)

    def forward(self):
        predictions = super().forward()
        return predictions * (self.rng.random(predictions.shape) < 0.5).astype(predictions.dtype)


class WithoutFeed(NumpyTutorial):
    """Takes its rows when it is prepared only, as the contract allows."""

    def prepare(self, task):
        self.feed = super().feed
        super().prepare(task)
        del self.feed

    feed = Implementation.feed


class Forgetting(NumpyTutorial):
    """Tells the parameters after a step, and goes on from those before it."""

    def train_step(self, learning_rate):
        before = self.parameters
        result = super().train_step(learning_rate)
        self.parameters = before
        return result


class HalfSteps(NumpyTutorial):
    def train_step(self, learning_rate):
        return super().train_step(learning_rate / 2)


class ShortLoop(NumpyTutorial):
    def train_loop(self, learning_rate, steps):
        return super().train_loop(learning_rate, steps - 1)


class OneLargeStep(NumpyTutorial):
    def train_loop(self, learning_rate, steps):
        return super().train_step(learning_rate * steps)


class FirstRate(NumpyTutorial):
    """Takes the learning rate of its first step for ever."""

    def train_step(self, learning_rate):
        self.rate = getattr(self, "rate", learning_rate)
        return super().train_step(self.rate)


class CapturedRows(NumpyTutorial):
    """Goes on with the rows that were there when it was built."""

    def prepare(self, task):
        super().prepare(task)
        self.captured = self.x, self.y

    def value_and_grad(self):
        self.x, self.y = self.captured
        return super().value_and_grad()


class CapturedParameters(NumpyTutorial):
    """Goes on with the parameters that were there when it was built."""

    def prepare(self, task):
        super().prepare(task)
        self.captured = self.parameters

    def value_and_grad(self):
        now, self.parameters = self.parameters, self.captured
        result = super().value_and_grad()
        self.parameters = now
        return result

    def train_step(self, learning_rate):
        now, self.captured = self.captured, self.parameters
        result = super().train_step(learning_rate)
        self.captured = now
        return result


class CapturedInSteps(NumpyTutorial):
    """A step that was built with the parameters in it."""

    def prepare(self, task):
        super().prepare(task)
        self.evaluation = super().value_and_grad()

    def train_step(self, learning_rate):
        loss, gradients = self.evaluation
        self.parameters = stepped(self.parameters, gradients, learning_rate)
        return loss, self.parameters


class Raising(NumpyTutorial):
    def value_and_grad(self):
        raise ZeroDivisionError("in the middle\nof it")


class RaisingInPrepare(NumpyTutorial):
    def prepare(self, task):
        [layer] = task.parameters
        super().prepare(replace(task, parameters=[layer]))


class OnlyFloat32(NumpyTutorial):
    """Reports what is unavailable, as the contract asks."""

    def prepare(self, task):
        if task.dtype != "float32":
            raise Unavailable("computes in float32 only; use --dtypes float32")
        super().prepare(replace(task, parameters=task.layers()))


class Dying(NumpyTutorial):
    """Takes its process with it."""

    def forward(self):
        import os

        os._exit(7)


class Incomplete(Implementation):
    def prepare(self, task):
        pass
