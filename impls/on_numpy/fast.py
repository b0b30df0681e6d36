"""`numpy-fast`: the least that NumPy can be asked for, in arrays made once.

The equations are those of `on_numpy/manual.py`; what is different:

**Feature-major.** A column is a sample and a row is a unit, so that NumPy's inner loops run over the batch.

**One matrix of values, one of parameters.** The rows of `M` are the constant 1, the inputs x, the hidden activations
h, the error e = a − y, and then the δ of all units (o is the output). Row u of `P` holds the parameters of unit u: its
bias in the column of the 1, its weights in the columns of what it receives, zeros elsewhere. With A the rows of M down
to e, and D those from e on, a layer is a block of P times the upper rows of A, and all gradients are one product: row u
of D Aᵀ sums δᵤ times each thing that u may receive. As e belongs to both, that product also holds Σe², the loss.
Multiplying by `means` makes means of the sums, and zeros where nothing is connected.

                       1   x₀  x₁  h₀  h₁  h₂  h₃  e
                  e ⎡  ·   ·   ·   ·   ·   ·   ·   L  ⎤
    for xor:      o ⎢  b   ·   ·   W   W   W   W   ·  ⎥
                 h₀ ⎢  b   W   W   ·   ·   ·   ·   ·  ⎥
                  … ⎢  b   W   W   ·   ·   ·   ·   ·  ⎥

An output without an activation has δ = e, apart from the factor, so that its row is that of e.

**A pass is a list of calls.** Which arrays take part never changes, so that a pass is written down once, each call
with its arguments, and replayed. The loss and all gradients of `xor` are 12 calls of about 0.2 µs at a batch of 4, and
none of them broadcasts: among so few elements that costs more than the arithmetic.

**Chunks.** A larger batch is taken in chunks whose rows of M stay in the second-level cache, and in the formulation
that is fastest per element: a = 1/(1 + 2^(−z·log₂e)), since NumPy's exp2 takes half the time of its exp. The factor
−log₂e goes into a copy of P. (The shorter ½ + ½·tanh(z/2) is accurate to ε, but not to ε·a, and a saturated unit's a is
next to nothing.)
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from scipy.special import expit

from samegrad.impls.errors import Unavailable
from samegrad.impls.implementation import Implementation
from samegrad.impls.machine.cpu_cache import chunk_bytes
from samegrad.impls.parameters import Array, Layer, Parameters
from samegrad.impls.problem import Problem
from samegrad.impls.task import Task

Program = list[Callable[[], Any]]

FEW = 64
"""The most rows for which SciPy's sigmoid, one call that takes an element at a time, beats three calls over vectors."""
CHUNK_BYTES = chunk_bytes(16)
"""The bytes in a row of a chunk; `xor` has 18 rows, not all of them in use at a time."""


class Block(NamedTuple):
    """Where one layer lies: its rows of P and D, the columns that it receives, and the row of M that it fills."""

    rows: slice
    inputs: slice
    own: slice

    def of(self, matrix: Array) -> Layer:
        """This layer's W: (fan_in, fan_out) and b: (fan_out,), views of a matrix that is laid out as P."""
        return Layer(matrix[self.rows, self.inputs].T, matrix[self.rows, 0])


def lay_out(problem: Problem) -> list[Block]:
    """The layers' blocks, from input to output; the output fills the row that becomes that of the error."""
    row = 2 if problem.activations[-1] == "sigmoid" else 1
    output = slice(row - 1, row)
    blocks, inputs = [], slice(1, 1 + problem.sizes[0])
    for size in problem.sizes[1:-1]:
        own = slice(inputs.stop, inputs.stop + size)
        blocks.append(Block(slice(row, row + size), inputs, own))
        row, inputs = row + size, own
    return [*blocks, Block(output, inputs, slice(inputs.stop, inputs.stop + 1))]


class NumpyFast(Implementation):
    """Recorded calls on one matrix of parameters."""

    def prepare(self, task: Task) -> None:
        task.require_cpu("numpy")
        problem, batch, dtype = task.problem, task.batch, task.dtype
        *hidden, last = problem.activations
        if problem.sizes[-1] != 1 or set(hidden) - {"sigmoid"} or last not in ("sigmoid", "identity"):
            raise Unavailable(f"numpy-fast is written for sigmoid layers and one output, which {problem.name!r} is not")
        self.x, self.y = (np.empty((size, batch), dtype) for size in (problem.sizes[0], 1))
        self.predictions = np.empty((1, batch), dtype)
        self.few = batch <= FEW

        self.blocks = lay_out(problem)
        shape = (max(block.rows.stop for block in self.blocks), self.blocks[-1].own.stop)
        self.P, self.gradient, self.spare, means = (np.zeros(shape, dtype) for _ in range(4))
        for block, layer in zip(self.blocks, task.parameters, strict=True):
            for target, mean, tensor in zip(block.of(self.P), block.of(means), layer, strict=True):
                target[...], mean[...] = tensor, 2 / batch
        means[0, -1] = 1 / batch

        self.predict, self.evaluate = self._record()
        self.feed(*task.data())
        self.evaluate.append(partial(np.multiply, self.gradient, means, self.gradient))
        self.rate = np.array(0, dtype)
        self.update: Program = [
            partial(np.multiply, self.gradient, self.rate, self.spare),
            partial(np.subtract, self.P, self.spare, self.P),
        ]
        loss = self.gradient[:1, -1].reshape(())
        self.evaluation = loss, [block.of(self.gradient) for block in self.blocks]
        self.state = loss, [block.of(self.P) for block in self.blocks]

    def _record(self) -> tuple[Program, Program]:
        """Write down the forward pass, and the forward and backward pass up to the sums in `gradient`."""
        predict: Program = []
        evaluate: Program = []
        batch, dtype = self.y.size, self.y.dtype
        chunk = CHUNK_BYTES // dtype.itemsize
        if not self.few:
            self.one, minus_log2_e = np.array(1, dtype), np.array(-np.log2(np.e), dtype)
            self.scaled_P = np.empty_like(self.P)
            for program in (predict, evaluate):
                program.append(partial(np.multiply, self.P, minus_log2_e, self.scaled_P))
        matrices: dict[int, Array] = {}
        for start in range(0, batch, chunk):
            rows = slice(start, min(start + chunk, batch))
            length = rows.stop - start
            M = matrices.setdefault(length, np.ones((self.P.shape[1] + len(self.P) - 1, length), dtype))
            inputs = M[1 : 1 + len(self.x)]
            if batch > chunk:
                load = partial(np.copyto, inputs, self.x[:, rows])
                predict.append(load)
                evaluate.append(load)
            else:
                self.x = inputs
            predict += self._forward(M, self.predictions[:, rows])
            evaluate += self._forward(M, M[self.blocks[-1].own])
            evaluate += self._backward(M, self.y[:, rows], first=start == 0)
        return predict, evaluate

    def _forward(self, M: Array, predictions: Array) -> Program:
        """The calls that fill the hidden rows of M, and `predictions`: (1, rows)."""
        calls: Program = []
        D = M[self.blocks[-1].own.start :]
        for block in self.blocks:
            a = predictions if block is self.blocks[-1] else M[block.own]
            A, z = M[: block.inputs.stop], D[block.rows]
            weights = np.s_[block.rows, : block.inputs.stop]
            if block.rows.start == 0:  # the output is a sum
                calls += [partial(self.P[weights].dot, A, a)]
            elif self.few:
                calls += [partial(self.P[weights].dot, A, z), partial(expit, z, a)]
            else:
                calls += [
                    partial(self.scaled_P[weights].dot, A, z),  # −z log₂e
                    partial(np.exp2, z, z),  # where e⁻ᶻ overflows, a = 0
                    partial(np.add, z, self.one, z),
                    partial(np.divide, self.one, z, a),
                ]
        return calls

    def _backward(self, M: Array, y: Array, first: bool) -> Program:
        """The calls that turn M's activations into e and δ, and add D Aᵀ to the gradient (the first chunk sets it)."""
        *hidden, output = self.blocks
        e, D, A = M[output.own], M[output.own.start :], M[: output.own.stop]
        first_hidden = self.blocks[0].inputs.stop
        activations = M[first_hidden : output.own.start + output.rows.start]  # with the output, if it is a sigmoid
        slopes = np.empty_like(activations)

        calls: Program = []
        if len(slopes):
            calls += [partial(np.multiply, activations, activations, slopes)]
            calls += [partial(np.subtract, activations, slopes, slopes)]  # a − a²
        calls += [partial(np.subtract, e, y, e)]
        if output.rows.start > 0:
            calls += [partial(np.multiply, e, slopes[-1:], D[output.rows])]
        for block, after in zip(hidden[::-1], self.blocks[:0:-1], strict=True):
            delta, W = D[block.rows], self.P[after.rows, after.inputs].T
            if self.few or len(W.T) > 1:
                calls += [partial(W.dot, D[after.rows], delta)]
            else:  # an outer product, which a multiplication does faster per element
                calls += [partial(np.multiply, W, D[after.rows], delta)]
            slope = slopes[block.own.start - first_hidden : block.own.stop - first_hidden]
            calls += [partial(np.multiply, delta, slope, delta)]
        if first:
            return [*calls, partial(D.dot, A.T, self.gradient)]
        return [*calls, partial(D.dot, A.T, self.spare), partial(np.add, self.gradient, self.spare, self.gradient)]

    def feed(self, x: Array, y: Array | None = None) -> None:
        np.copyto(self.x, x.T)
        if y is not None:
            np.copyto(self.y, y.T)

    def _replay(self, program: Program) -> None:
        if self.few:
            for call in program:
                call()
        else:
            with np.errstate(over="ignore"):  # costs as much as seven calls at a batch of 4
                for call in program:
                    call()

    def forward(self) -> Array:
        self._replay(self.predict)
        return self.predictions

    def value_and_grad(self) -> tuple[Array, Parameters]:
        self._replay(self.evaluate)
        return self.evaluation

    def train_step(self, learning_rate: float) -> tuple[Array, Parameters]:
        self._replay(self.evaluate)
        self.rate[...] = learning_rate
        for call in self.update:
            call()
        return self.state

    def to_numpy(self, result: Any) -> Any:
        if isinstance(result, np.ndarray):
            return result.T.copy()
        loss, layers = result
        return loss.copy(), [Layer(W.copy(), b.copy()) for W, b in layers]
