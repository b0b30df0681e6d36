"""Probes: networks and batches at which mistakes cannot hide.

Two-four-one with four rows is the worst place to look: N = H = 4 lets a wrong axis, a missing transpose or a product
element by element pass unseen. So a probe's dimensions are all distinct where the target allows it, N among them, and a
batch of one, where dbℓ = δℓ, is always beside it. Parameters are of order 1 and none is zero, least of all a bias.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from samegrad.impls import parameters
from samegrad.impls.parameters import Array, Layer, Parameters

BATCHES = (7, 1, 2)
RATE = 0.375
"""The learning rate that targets are given where they take one: a dyadic number, so that multiplying by it loses
little, and no constant that a convention has."""
PENALTY = 2.0**-6
"""The factor of a penalty on the weights, for targets that take one: dyadic as well, and no usual one."""
SCALE = 0.7

GENERAL = {1: (4, 3), 2: (4, 5, 3), 3: (4, 6, 5, 3), 4: (4, 6, 5, 8, 3)}
"""Layer sizes by the number of layers; distinct from each other and from the batches."""


def general_sizes(layers: int) -> tuple[int, ...]:
    """Layer sizes for so many layers, all distinct from each other and from the batches."""
    return GENERAL.get(layers) or (4, *range(8, 8 + layers - 1), 3)


def one_output(sizes: Sequence[int]) -> tuple[int, ...]:
    """These layer sizes with one output."""
    return (*sizes[:-1], 1)


def make(
    sizes: Sequence[int], batch: int, seed: int, biases: Sequence[bool], dtype: str = "float64"
) -> tuple[Parameters, Array, Array]:
    """Parameters, x: (batch, inputs) and y: (batch, outputs) for one probe; a missing bias is zero.

    All are float64 arrays of numbers that `dtype` holds exactly. Targets are in (0, 1), those of a row of several add
    up to 1 exactly, as a softmax's do; inputs are standard normal: no activation saturates, no preactivation is near a
    kink.
    """
    layers = parameters.initial(tuple(sizes), seed=1000 + seed, scale=SCALE)
    layers = [Layer(W, b if has else np.zeros_like(b)) for (W, b), has in zip(layers, biases, strict=True)]
    rng = np.random.default_rng([seed, batch])
    x = rng.standard_normal((batch, sizes[0])).astype(dtype).astype(np.float64)
    return parameters.rounded(parameters.rounded(layers, dtype), "float64"), x, _targets(rng, batch, sizes[-1])


FINE = 2**16
"""Targets are multiples of 1/FINE, which float32 holds and adds exactly."""


def _targets(rng: np.random.Generator, batch: int, outputs: int) -> Array:
    """Numbers in (0, 1): (batch, outputs); each row adds up to 1 where there are several."""
    if outputs == 1:
        return rng.integers(1, FINE, (batch, 1)) / FINE
    cuts = np.stack([rng.choice(np.arange(1, FINE), outputs - 1, replace=False) for _ in range(batch)])
    edges = np.concatenate([np.zeros((batch, 1)), np.sort(cuts, axis=1), np.full((batch, 1), FINE)], axis=1)
    return np.diff(edges, axis=1) / FINE


def labels(rng_seed: int, batch: int, outputs: int) -> Array:
    """Targets of one class for each row, as 0 and 1: (batch, outputs); the last class always occurs.

    A single output is 0 or 1.
    """
    if outputs == 1:
        return labels(rng_seed, batch, 2)[:, 1:]
    drawn = np.random.default_rng(rng_seed).integers(0, outputs, batch)
    drawn[-1] = outputs - 1
    return np.eye(outputs)[drawn]
