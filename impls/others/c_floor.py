"""`c-floor`: the same arithmetic in C, vectorised by the compiler and called through cffi: what the machine can do.

`c_floor.c` holds the loops for `xor` and `line`, written out, `c_network.h` those for any other network, and
`c_networks.h` those for many of them. Everything that a call needs lies behind one pointer, since the crossing from
Python into C grows with the number of arguments. The results are NumPy views of the memory that C writes into.
"""

from __future__ import annotations

from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import cffi
import numpy as np

from samegrad.impls.errors import Unavailable
from samegrad.impls.implementation import Implementation
from samegrad.impls.machine import compiler
from samegrad.impls.machine.caches import CURE
from samegrad.impls.parameters import Array, Layer, Parameters
from samegrad.impls.problem import ACTIVATIONS
from samegrad.impls.task import Task

SOURCE = Path(__file__).with_name("c_floor.c")
WRITTEN_OUT = {
    ((2, 4, 1), ("sigmoid", "sigmoid")): "xor",
    ((1, 1), ("identity",)): "line",
}
"""The networks with functions of their own: layer sizes and activations → the prefix of their names."""
ANY, SEVERAL = "network", "networks"
WIDTH, FEW, SLICE = {"float32": 16, "float64": 8}, 4, 256
"""The constants of `c_network.h`: numbers in a vector, vectors of rows that are no longer few, rows of a slice."""

REAL = {"float32": "float", "float64": "double"}
DECLARATIONS = """
typedef struct {{
    long rows;
    const {real} *x, *y;
    {real} *parameters, *gradients, *loss, *predictions;
    long layers, stride;
    const long *sizes, *activations;
    {real} *memory;
    long vectors;
}} Case;
"""
FUNCTIONS = "void {0}_forward(Case *); void {0}_value_and_grad(Case *); void {0}_train(Case *, double, long);"

LANES = "long networks_lanes(void);"
"""The C function that returns the number of networks in a vector."""


@cache
def load(dtype: str) -> tuple[cffi.FFI, Any]:
    """The compiled library for one dtype, and the FFI that knows its types. Raises Unavailable as `compiler.build`."""
    real = REAL[dtype]
    ffi = cffi.FFI()
    ffi.cdef(
        DECLARATIONS.format(real=real) + "".join(map(FUNCTIONS.format, (*WRITTEN_OUT.values(), ANY, SEVERAL))) + LANES
    )
    library = compiler.build(SOURCE, [f"real={real}", *(["WIDE"] if dtype == "float64" else [])])
    try:
        return ffi, ffi.dlopen(str(library))
    except OSError as error:
        reason = str(error).partition("  Additionally")[0]  # how cffi looked for it by other names
        raise Unavailable(f"the system does not load {library} ({reason}); {CURE} where programs may run") from None


def views(flat: Array, parameters: Parameters) -> Parameters:
    """The stretches of a flat array as layers, in the order W1, b1, W2, b2."""
    layers, start = [], 0
    for W, b in parameters:
        middle, end = start + W.size, start + W.size + b.size
        layers.append(Layer(flat[start:middle].reshape(W.shape), flat[middle:end]))
        start = end
    return layers


LossAndLayers = tuple[Array, Parameters] | tuple[Array, Array]
"""A loss and views of layers; of networks their losses, and the numbers of all layers, as C has them."""


def interleaved(parameters: Parameters, width: int) -> Array:
    """The parameters of K networks as C has them, (K / width, parameters, width), K rounded up by networks of zeros."""
    flat = np.concatenate([tensor.reshape(len(tensor), -1) for layer in parameters for tensor in layer], axis=1)
    filled = np.zeros((-(-len(flat) // width) * width, flat.shape[1]), flat.dtype)
    filled[: len(flat)] = flat
    return np.ascontiguousarray(filled.reshape(-1, width, flat.shape[1]).swapaxes(1, 2))


def by_network(numbers: Array, count: int | None) -> Array:
    """A copy of the numbers of each network, (K, numbers), of those that C has as (K / width, numbers, width)."""
    return np.ascontiguousarray(numbers.swapaxes(1, 2)).reshape(-1, numbers.shape[1])[:count]


class CFloor(Implementation):
    """One call into C per pass; `train_loop` is one call for all its steps."""

    takes_networks = True
    evaluation: LossAndLayers
    state: LossAndLayers

    def prepare(self, task: Task) -> None:
        task.require_cpu("c-floor")
        problem, batch, dtype = task.problem, task.batch, task.dtype
        self.sizes, self.networks = problem.sizes, task.networks
        several = task.networks is not None
        network = SEVERAL if several else WRITTEN_OUT.get((problem.sizes, problem.activations), ANY)
        ffi, library = load(dtype)
        inputs, outputs = problem.sizes[0], problem.sizes[-1]
        self.batch, self.by_row = batch, several or (network == ANY and batch < FEW * WIDTH[dtype])
        filled = batch if network != ANY or self.by_row else -(-batch // WIDTH[dtype]) * WIDTH[dtype]
        self.x, self.y = (np.zeros((size, filled), dtype) for size in (inputs, outputs))
        if several:
            flat = interleaved(task.layers(), library.networks_lanes())
            vectors, _, width = flat.shape
            gradients, loss = np.empty_like(flat), np.empty((vectors, 1, width), dtype)
            self.predictions = np.empty((vectors, batch * outputs, width), dtype)
            self.evaluation, self.state = (loss, gradients), (loss, flat)
        else:
            flat = np.concatenate([tensor.ravel() for layer in task.layers() for tensor in layer])
            vectors, gradients, loss = 0, np.empty_like(flat), np.empty((), dtype)
            self.predictions = np.empty((batch, outputs) if self.by_row else (outputs, filled), dtype)
            self.evaluation = loss, views(gradients, task.parameters)
            self.state = loss, views(flat, task.parameters)
        sizes = np.array(problem.sizes, "l")
        activations = np.array([ACTIVATIONS.index(activation) for activation in problem.activations], "l")
        memory = np.zeros((2 * sum(problem.sizes) + max(problem.sizes)) * (SLICE + WIDTH[dtype]), dtype)
        reals = (self.x, self.y, flat, gradients, loss, self.predictions)
        kind = f"{REAL[dtype]}[]"
        self.case = ffi.new(
            "Case *",
            [
                batch,
                *(ffi.from_buffer(kind, array) for array in reals),
                *(len(activations), filled),
                *(ffi.from_buffer("long[]", array) for array in (sizes, activations)),
                ffi.from_buffer(kind, memory),
                vectors,
            ],
        )
        self.memory = (*reals, sizes, activations, memory)  # C holds bare addresses: keep what they point to
        self.rows_x, self.rows_y = (
            array.reshape(batch, -1) if self.by_row else array[:, :batch].T for array in (self.x, self.y)
        )
        self.feed(*task.data())
        self._forward = getattr(library, f"{network}_forward")
        self._value_and_grad = getattr(library, f"{network}_value_and_grad")
        self._train = getattr(library, f"{network}_train")

    def feed(self, x: Array, y: Array | None = None) -> None:
        np.copyto(self.rows_x, x)
        if y is not None:
            np.copyto(self.rows_y, y)

    def forward(self) -> Array:
        self._forward(self.case)
        return self.predictions

    def value_and_grad(self) -> LossAndLayers:
        self._value_and_grad(self.case)
        return self.evaluation

    def train_step(self, learning_rate: float) -> LossAndLayers:
        self._train(self.case, learning_rate, 1)
        return self.state

    def train_loop(self, learning_rate: float, steps: int) -> LossAndLayers:
        self._train(self.case, learning_rate, steps)
        return self.state

    def to_numpy(self, result: Any) -> Any:
        """Copies: the views' memory is overwritten by the next call."""
        if self.networks is not None:
            return self._of_networks(result)
        if isinstance(result, np.ndarray):
            return (result if self.by_row else result[:, : self.batch].T).copy()
        loss, layers = result
        return loss.copy(), [Layer(W.copy(), b.copy()) for W, b in layers]

    def _of_networks(self, result: Any) -> Any:
        if isinstance(result, np.ndarray):
            return by_network(result.copy(), self.networks).reshape(self.networks or 0, self.batch, -1)
        loss, gradient = result
        layers, start = [], 0
        for fan_in, fan_out in pairwise(self.sizes):
            middle, end = start + fan_in * fan_out, start + (fan_in + 1) * fan_out
            W, b = (
                by_network(gradient[:, part].copy(), self.networks)
                for part in (slice(start, middle), slice(middle, end))
            )
            layers.append(Layer(W.reshape(len(W), fan_in, fan_out), b))
            start = end
        return by_network(loss.copy(), self.networks)[:, 0], layers
