"""Problems: layer sizes, activations, loss, data and initial parameters, each stated once and relied on everywhere.

The loss is the mean squared error, the mean taken over *all* elements of the prediction:

    squared                 L = 1/(n·k) · Σᵢⱼ (aᵢⱼ − yᵢⱼ)²                      a, y: (n, k)   ∂L/∂a = 2/(n·k) · (a − y)

The suite measures and trains with that one. A gradient that a user brings may be of a cross-entropy instead, which goes
with one activation of the output, so that ∂L/∂z = 1/(n·k) · (a − y) (for softmax where each row of y sums to 1):

    binary cross-entropy    L = −1/(n·k) · Σᵢⱼ yᵢⱼ ln aᵢⱼ + (1 − yᵢⱼ) ln(1 − aᵢⱼ)     sigmoid
    cross-entropy           L = −1/(n·k) · Σᵢⱼ yᵢⱼ ln aᵢⱼ                             softmax
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

import numpy as np

from samegrad.impls import layered, parameters
from samegrad.impls.errors import BadInput, choose
from samegrad.impls.parameters import Array, Parameters

ACTIVATIONS = ("sigmoid", "tanh", "relu", "identity")
OUTPUTS = (*ACTIVATIONS, "softmax")
"""Activations of a last layer; no implementation of the suite has softmax."""
SQUARED, BINARY_CROSS_ENTROPY, CROSS_ENTROPY = LOSSES = ("squared", "binary cross-entropy", "cross-entropy")
PARTNERS = {BINARY_CROSS_ENTROPY: "sigmoid", CROSS_ENTROPY: "softmax"}
"""The activation of the output with which a loss's derivative is a − y."""
DTYPES = ("float32", "float64")
TF32 = "tf32"
"""float32 whose matrix products may round their factors to ten bits of fraction, as the tensor cores of GPUs do."""
SEED = 42


@dataclass(frozen=True)
class Problem:
    """A network (fully connected, one activation per layer), its data, and the squared error between them."""

    name: str
    sizes: tuple[int, ...]
    activations: tuple[str, ...]
    rows: Callable[[int, int], tuple[Array, Array]]
    """(batch, seed) → the first `batch` rows of that seed's sequence, x: (batch, inputs), y: (batch, outputs)."""
    loss: str = SQUARED
    scaled: bool = False
    """Whether initial weights are divided by the square root of their layer's inputs."""

    def __post_init__(self) -> None:
        if len(self.activations) != len(self.sizes) - 1:
            raise BadInput(f"problem {self.name!r}: {len(self.sizes) - 1} layers, {len(self.activations)} activations")
        for ell, activation in enumerate(self.activations, start=1):
            choose("activation", activation, OUTPUTS if ell == len(self.activations) else ACTIVATIONS)
        choose("loss", self.loss, LOSSES)
        if self.activations[-1] != PARTNERS.get(self.loss, self.activations[-1]):
            raise BadInput(f"problem {self.name!r}: the {self.loss} needs {PARTNERS[self.loss]} in the last layer")

    def data(self, batch: int, seed: int = SEED, dtype: str = "float64") -> tuple[Array, Array]:
        """Inputs x: (batch, inputs) and targets y: (batch, outputs). Raises BadInput for a batch below 1."""
        x, y = self.rows(check_batch(batch), seed)
        return x.astype(dtype), y.astype(dtype)

    def parameters(self, seed: int = SEED, scale: float = 1.0, networks: int | None = None) -> Parameters:
        """Initial parameters of that seed, float64: standard normal times `scale`, and `scaled` where it is set.

        With a number of networks they have that leading axis.
        """
        drawn = parameters.initial(self.sizes, seed, scale, networks)
        return [parameters.Layer(W / np.sqrt(W.shape[-2]), b) for W, b in drawn] if self.scaled else drawn

    def load_parameters(self, path: str | Path) -> Parameters:
        """Parameters from an `.npz` written by `impls/parameters.py`. Raises BadInput where they do not fit."""
        return parameters.load(path, self.sizes)


def storage(dtype: str) -> str:
    """The dtype of the arrays in a computation in `dtype`."""
    return "float32" if dtype == TF32 else dtype


def check_batch(batch: object) -> int:
    """Return `batch` if it is a whole number of at least 1, else raise BadInput."""
    if isinstance(batch, bool) or not isinstance(batch, int | np.integer) or batch < 1:
        raise BadInput(f"batch must be a whole number of at least 1, found {batch!r}")
    return int(batch)


TRUTH_TABLE = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])


def _xor_rows(batch: int, seed: int) -> tuple[Array, Array]:
    """The truth table in order, then rows drawn from it at random."""
    drawn = np.random.default_rng(seed).integers(0, 4, size=max(0, batch - 4))
    x = TRUTH_TABLE[np.concatenate([np.arange(4), drawn])[:batch]]
    y = (x[:, :1] != x[:, 1:]).astype(np.float64)
    return x, y


PAGE = 100


def _line_rows(batch: int, seed: int) -> tuple[Array, Array]:
    """y = 2x + 1 + 0.1·N(0,1), drawn in pages of 100 rows (uniform x, then the noise).

    The first page of seed 42 is the data set of many a tutorial, and a batch is always a prefix of the next larger one.
    """
    random = np.random.RandomState(seed)
    pages = [(random.rand(PAGE, 1), random.randn(PAGE, 1)) for _ in range(-(-batch // PAGE))]
    x = np.concatenate([x for x, _ in pages])[:batch]
    noise = np.concatenate([noise for _, noise in pages])[:batch]
    return x, 2 * x + 1 + 0.1 * noise


XOR = Problem("xor", (2, 4, 1), ("sigmoid", "sigmoid"), _xor_rows)
LINE = Problem("line", (1, 1), ("identity",), _line_rows)
PROBLEMS = {problem.name: problem for problem in (XOR, LINE)}


@cache
def _network(name: str, sizes: tuple[int, ...], activations: tuple[str, ...]) -> Problem:
    return Problem(name, sizes, activations, partial(layered.rows, sizes), scaled=True)


def get_problem(name: str) -> Problem:
    """The problem of that name: of PROBLEMS, or a network named by its layers. Raises BadInput for an unknown one."""
    if layered.is_layered(name):
        return _network(*layered.parsed(name, tuple(ACTIVATIONS)))
    try:
        return PROBLEMS[choose("problem", name, PROBLEMS)]
    except BadInput as error:
        raise BadInput(f"{error} A network is named by its layers, such as 8-64-2 or 784-128-10:relu.") from None
