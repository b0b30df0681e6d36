"""`c-floor`: the same arithmetic in C, vectorised by the compiler and called through cffi: what the machine can do.

`c_floor.c` holds the loops. Everything that a call needs lies behind one pointer, since the crossing from Python into C
grows with the number of arguments. The results are NumPy views of the memory that C writes into.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import cffi
import numpy as np

from samegrad.impls import compiler
from samegrad.impls.caches import CURE
from samegrad.impls.errors import Unavailable
from samegrad.impls.implementation import Implementation
from samegrad.impls.parameters import Array, Layer, Parameters
from samegrad.impls.task import Task

SOURCE = Path(__file__).with_name("c_floor.c")
NETWORKS = {
    "xor": ((2, 4, 1), ("sigmoid", "sigmoid")),
    "line": ((1, 1), ("identity",)),
}
"""What `c_floor.c` computes: prefix of the functions' names → layer sizes and activations."""

REAL = {"float32": "float", "float64": "double"}
DECLARATIONS = """
typedef struct {{
    long rows;
    const {real} *x, *y;
    {real} *parameters, *gradients, *loss, *predictions;
}} Case;
"""
FUNCTIONS = "void {0}_forward(Case *); void {0}_value_and_grad(Case *); void {0}_train(Case *, double, long);"


@cache
def load(dtype: str) -> tuple[cffi.FFI, Any]:
    """The compiled library for one dtype, and the FFI that knows its types. Raises Unavailable as `compiler.build`."""
    real = REAL[dtype]
    ffi = cffi.FFI()
    ffi.cdef(DECLARATIONS.format(real=real) + "".join(FUNCTIONS.format(network) for network in NETWORKS))
    library = compiler.build(SOURCE, [f"real={real}", *(["WIDE"] if dtype == "float64" else [])])
    try:
        return ffi, ffi.dlopen(str(library))
    except OSError as error:
        raise Unavailable(f"the system does not load {library} ({error}); {CURE} where programs may run") from None


def views(flat: Array, parameters: Parameters) -> Parameters:
    """The stretches of a flat array as layers, in the order W1, b1, W2, b2."""
    layers, start = [], 0
    for W, b in parameters:
        middle, end = start + W.size, start + W.size + b.size
        layers.append(Layer(flat[start:middle].reshape(W.shape), flat[middle:end]))
        start = end
    return layers


class CFloor(Implementation):
    """One call into C per pass; `train_loop` is one call for all its steps."""

    def prepare(self, task: Task) -> None:
        task.require_cpu("c-floor")
        problem, batch, dtype = task.problem, task.batch, task.dtype
        network = next(
            (name for name, known in NETWORKS.items() if known == (problem.sizes, problem.activations)), None
        )
        if network is None:
            raise Unavailable(f"c-floor is written for the networks of {' and '.join(NETWORKS)}, not {problem.name!r}")
        ffi, library = load(dtype)
        self.x, self.y = (np.empty((size, batch), dtype) for size in (problem.sizes[0], 1))
        self.feed(*task.data())
        flat = np.concatenate([tensor.ravel() for layer in task.layers() for tensor in layer])
        gradients, loss = np.empty_like(flat), np.empty((), dtype)
        self.predictions = np.empty((batch, 1), dtype)
        self.evaluation = loss, views(gradients, task.parameters)
        self.state = loss, views(flat, task.parameters)
        memory = (self.x, self.y, flat, gradients, loss, self.predictions)
        self.case = ffi.new("Case *", [batch, *(ffi.from_buffer(f"{REAL[dtype]}[]", array) for array in memory)])
        self.memory = memory  # C holds bare addresses: keep what they point to
        self._forward = getattr(library, f"{network}_forward")
        self._value_and_grad = getattr(library, f"{network}_value_and_grad")
        self._train = getattr(library, f"{network}_train")

    def feed(self, x: Array, y: Array | None = None) -> None:
        np.copyto(self.x, x.T)
        if y is not None:
            np.copyto(self.y, y.T)

    def forward(self) -> Array:
        self._forward(self.case)
        return self.predictions

    def value_and_grad(self) -> tuple[Array, Parameters]:
        self._value_and_grad(self.case)
        return self.evaluation

    def train_step(self, learning_rate: float) -> tuple[Array, Parameters]:
        self._train(self.case, learning_rate, 1)
        return self.state

    def train_loop(self, learning_rate: float, steps: int) -> tuple[Array, Parameters]:
        self._train(self.case, learning_rate, steps)
        return self.state

    def to_numpy(self, result: Any) -> Any:
        """Copies: the views' memory is overwritten by the next call."""
        if isinstance(result, np.ndarray):
            return result.copy()
        loss, layers = result
        return loss.copy(), [Layer(W.copy(), b.copy()) for W, b in layers]
