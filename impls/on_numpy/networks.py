"""`numpy-networks`: many networks at once, by hand: the equations of `manual.py`, the networks along the last axis.

What is a number of one network is a vector over the networks, which NumPy's inner loops run along. With i and j for the
units before and after a layer, r for the row, and k for the network,

    forward     z_rjk  = Σᵢ a_rik W_ijk + b_jk      aₗ = f(zₗ)
    output      δ_rjk  = 2/(n·m) · (a_rjk − y_rj) ∘ f′(z_rjk)      over the n·m elements of a prediction
    hidden      δ_rik  = Σⱼ δ_rjk W_ijk ∘ f′(z_rik)
    weights     ∂L/∂W_ijk = Σᵣ a_rik δ_rjk
    biases      ∂L/∂b_jk  = Σᵣ δ_rjk

The rows are the same for all networks, so that the first layer is one product of matrices, x (n, i) times W (i, j·k),
and its gradient another. The networks are taken in chunks, of which the largest array fills the second-level cache: in
smaller ones the calls cost more than the memory does.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from samegrad.impls.implementation import Implementation
from samegrad.impls.machine.cpu_cache import second_level_bytes
from samegrad.impls.on_numpy.activations import ACTIVATIONS, Activation
from samegrad.impls.parameters import Array, Layer, Parameters
from samegrad.impls.problem import Problem
from samegrad.impls.task import Task


class Sigmoids:
    """a = 1/(1 + e⁻ᶻ), which is 0 where e⁻ᶻ overflows, with the slope a − a²: the fewest passes over all networks."""

    def __init__(self, shape: tuple[int, ...], dtype: str) -> None:
        self.one = np.array(1, dtype)

    def value(self, z: Array, a: Array) -> None:
        np.negative(z, out=a)
        np.exp(a, out=a)
        np.add(a, self.one, out=a)
        np.reciprocal(a, out=a)

    def slope(self, z: Array, a: Array, out: Array) -> None:
        np.multiply(a, a, out=out)
        np.subtract(a, out, out=out)


class Denses:
    """One layer's equations for so many networks, W: (fan_in, fan_out, K), b: (fan_out, K), in arrays made once."""

    def __init__(self, fan_in: int, fan_out: int, activation: str, rows: int, count: int, dtype: str) -> None:
        shape = (rows, fan_out, count)
        self.f: Activation | Sigmoids = (Sigmoids if activation == "sigmoid" else ACTIVATIONS[activation])(shape, dtype)
        self.z, self.a, self.delta = (np.empty(shape, dtype) for _ in range(3))
        self.cotangent = np.empty((rows, fan_in, count), dtype)

    def forward(self, layer: Layer, before: Array) -> Array:
        """f(z): (rows, fan_out, K), of x: (rows, fan_in), the same for all networks, or of a: (rows, fan_in, K)."""
        self.W, self.before = layer.W, before
        if before.ndim == 2:
            np.dot(before, _flat(self.W), out=_flat(self.z))
        else:
            np.einsum("rik,ijk->rjk", before, self.W, out=self.z)
        np.add(self.z, layer.b, out=self.z)
        self.f.value(self.z, self.a)
        return self.a

    def backward(self, cotangent: Array, gradient: Layer) -> None:
        """Set the gradient (∂L/∂W, ∂L/∂b), given the cotangent ∂L/∂a: (rows, fan_out, K)."""
        self.f.slope(self.z, self.a, out=self.delta)
        np.multiply(self.delta, cotangent, out=self.delta)
        if self.before.ndim == 2:
            np.dot(self.before.T, _flat(self.delta), out=_flat(gradient.W))
        else:
            np.einsum("rik,rjk->ijk", self.before, self.delta, out=gradient.W)
        np.add.reduce(self.delta, axis=0, out=gradient.b)

    def input_cotangent(self) -> Array:
        """∂L/∂a of the layer before: (rows, fan_in, K)."""
        return np.einsum("rjk,ijk->rik", self.delta, self.W, out=self.cotangent)


def _flat(array: Array) -> Array:
    """A view as a matrix: the first axis, and all others as one."""
    return array.reshape(len(array), -1)


class Chunk(NamedTuple):
    """Some of the networks, along the last axis: their parameters, losses, gradients and predictions."""

    parameters: Parameters
    gradients: Parameters
    loss: Array
    predictions: Array

    @classmethod
    def of(cls, parameters: Parameters, rows: int) -> Chunk:
        """The chunk of these parameters, which have the networks first."""
        last = [Layer(*(np.ascontiguousarray(np.moveaxis(tensor, 0, -1)) for tensor in layer)) for layer in parameters]
        gradients = [Layer(np.empty_like(W), np.empty_like(b)) for W, b in last]
        outputs, count = last[-1].b.shape
        dtype = last[-1].b.dtype
        return cls(last, gradients, np.empty(count, dtype), np.empty((rows, outputs, count), dtype))


class Passes:
    """The passes of chunks of so many networks."""

    def __init__(self, problem: Problem, rows: int, count: int, dtype: str) -> None:
        self.layers = [
            Denses(*sizes, activation, rows, count, dtype)
            for sizes, activation in zip(pairwise(problem.sizes), problem.activations, strict=True)
        ]
        self.error = np.empty((rows, problem.sizes[-1], count), dtype)
        self.size = np.array(rows * problem.sizes[-1], dtype)
        self.two_over_size = np.array(2 / (rows * problem.sizes[-1]), dtype)

    def forward(self, chunk: Chunk, x: Array) -> Array:
        """Predictions (rows, outputs, K)."""
        a = x
        for layer, parameters in zip(self.layers, chunk.parameters, strict=True):
            a = layer.forward(parameters, a)
        return a

    def value_and_grad(self, chunk: Chunk, x: Array, y: Array) -> None:
        """Set losses (K,) and gradients."""
        error = np.subtract(self.forward(chunk, x), y[..., np.newaxis], out=self.error)
        np.einsum("rjk,rjk->k", error, error, out=chunk.loss)
        np.divide(chunk.loss, self.size, out=chunk.loss)

        np.multiply(error, self.two_over_size, out=error)
        self.layers[-1].backward(error, chunk.gradients[-1])
        for (after, layer), gradient in zip(pairwise(self.layers[::-1]), chunk.gradients[-2::-1], strict=True):
            layer.backward(after.input_cotangent(), gradient)

    def train_step(self, chunk: Chunk, x: Array, y: Array, learning_rate: float) -> None:
        """Set losses (K,), and the parameters to those after the step."""
        self.value_and_grad(chunk, x, y)
        for (W, b), (dW, db) in zip(chunk.parameters, chunk.gradients, strict=True):
            dW *= learning_rate
            db *= learning_rate
            W -= dW
            b -= db


class NumpyNetworks(Implementation):
    """The passes chunk by chunk; results are a list of the chunks' own. One network is a chunk of one."""

    takes_networks = True

    def prepare(self, task: Task) -> None:
        task.require_cpu("numpy-networks")
        self.feed(*task.data())
        self.has_axis = task.networks is not None
        layers = task.layers() if self.has_axis else [Layer(W[np.newaxis], b[np.newaxis]) for W, b in task.layers()]
        problem, rows, count = task.problem, task.batch, len(layers[0].b)
        widest = max(rows * max(problem.sizes), *(W[0].size for W, _ in layers))
        length = max(1, min(count, second_level_bytes() // (widest * self.x.itemsize)))
        self.chunks = [
            Chunk.of([Layer(W[start : start + length], b[start : start + length]) for W, b in layers], rows)
            for start in range(0, count, length)
        ]
        passes = {length: Passes(problem, rows, length, task.dtype) for length in {length, count % length} - {0}}
        self.work = [(passes[len(chunk.loss)], chunk) for chunk in self.chunks]
        self.evaluations = [(chunk.loss, chunk.gradients) for chunk in self.chunks]
        self.states = [(chunk.loss, chunk.parameters) for chunk in self.chunks]

    def feed(self, x: Array, y: Array | None = None) -> None:
        self.x = x
        if y is not None:
            self.y = y

    def forward(self) -> list[Array]:
        with np.errstate(over="ignore"):
            for passes, chunk in self.work:
                np.copyto(chunk.predictions, passes.forward(chunk, self.x))
        return [chunk.predictions for chunk in self.chunks]

    def value_and_grad(self) -> list[tuple[Array, Parameters]]:
        with np.errstate(over="ignore"):
            for passes, chunk in self.work:
                passes.value_and_grad(chunk, self.x, self.y)
        return self.evaluations

    def train_step(self, learning_rate: float) -> list[tuple[Array, Parameters]]:
        return self.train_loop(learning_rate, 1)

    def train_loop(self, learning_rate: float, steps: int) -> list[tuple[Array, Parameters]]:
        """Take all steps of one chunk, then those of the next."""
        with np.errstate(over="ignore"):
            for passes, chunk in self.work:
                for _ in range(steps):
                    passes.train_step(chunk, self.x, self.y, learning_rate)
        return self.states

    def to_numpy(self, result: Any) -> Any:
        """Copies, the networks first again: what the chunks hold is overwritten by the next call."""
        if isinstance(result[0], np.ndarray):
            return self._joined(result)
        losses, chunks = zip(*result, strict=True)
        layers = [Layer(*map(self._joined, zip(*parts, strict=True))) for parts in zip(*chunks, strict=True)]
        return self._joined(losses), layers

    def _joined(self, parts: Any) -> Array:
        whole: Array = np.ascontiguousarray(np.moveaxis(np.concatenate(parts, axis=-1), -1, 0))
        return whole if self.has_axis else np.array(whole[0])
