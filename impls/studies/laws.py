"""Laws that starts are drawn from: start i is the numbers u of seed i, put through the law.

    uniform A B     weights and biases uniform on [A, B)                          A + (B − A)·u
    normal S        weights and biases normal with standard deviation S           S·Φ⁻¹(u)
    glorot          weights uniform on ±√(6/(fan_in + fan_out)), biases 0         (Glorot and Bengio 2010)
    he              weights normal with variance 2/fan_in, biases 0               (He et al. 2015)

u is uniform on [0, 1), in the order W1, b1, W2, b2 from NumPy's legacy generator, whose stream never changes: so
`uniform 0 1` is the recipe `xor`, and a seed gives the same u for every law.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise

import numpy as np
from scipy.special import ndtri

from samegrad.impls.errors import BadInput, choose
from samegrad.impls.parameters import Array, Layer, Parameters, unflatten

Fill = Callable[..., Array]
"""(numbers u of one tensor, fan_in, fan_out, is_bias, the law's own numbers) → the tensor."""


def _uniform(u: Array, fan_in: int, fan_out: int, is_bias: bool, low: float, high: float) -> Array:
    return low + (high - low) * u


def _normal(u: Array, fan_in: int, fan_out: int, is_bias: bool, deviation: float) -> Array:
    return deviation * ndtri(u)


def _glorot(u: Array, fan_in: int, fan_out: int, is_bias: bool) -> Array:
    limit = math.sqrt(6 / (fan_in + fan_out))
    return np.zeros_like(u) if is_bias else limit * (2 * u - 1)


def _he(u: Array, fan_in: int, fan_out: int, is_bias: bool) -> Array:
    return np.zeros_like(u) if is_bias else math.sqrt(2 / fan_in) * ndtri(u)


LAWS: dict[str, tuple[Fill, int]] = {
    "uniform": (_uniform, 2),
    "normal": (_normal, 1),
    "glorot": (_glorot, 0),
    "he": (_he, 0),
}
"""The function of each law, and how many numbers follow its name."""


def parsed(law: str) -> tuple[str, list[float]]:
    """The name and the numbers of a law as people write it. Raises BadInput where it is none."""
    name, *words = law.split() or [""]
    _, count = LAWS[choose("law", name, LAWS)]
    try:
        numbers = [float(word) for word in words]
    except ValueError:
        numbers = [math.nan]
    is_right = len(numbers) == count and all(map(math.isfinite, numbers))
    if name == "uniform":
        is_right = is_right and numbers[0] < numbers[1]
    if name == "normal":
        is_right = is_right and numbers[0] > 0
    if not is_right:
        raise BadInput(f"law {law!r}: write uniform A B with A < B, normal S with S > 0, glorot or he, numbers finite")
    return name, numbers


def draw(law: str, sizes: tuple[int, ...], first: int, count: int) -> Parameters:
    """The starts of so many seeds from the first on, float64, with an axis for the starts: W: (K, fan_in, fan_out)."""
    name, numbers = parsed(law)
    fill, _ = LAWS[name]
    random = np.random.RandomState()
    u = np.empty((count, sum((fan_in + 1) * fan_out for fan_in, fan_out in pairwise(sizes))))
    for start in range(count):
        random.seed(first + start)
        u[start] = random.random_sample(u.shape[1])
    return [
        Layer(*(fill(tensor, *fans, is_bias, *numbers) for is_bias, tensor in enumerate(layer)))
        for layer, fans in zip(unflatten(u, sizes), pairwise(sizes), strict=True)
    ]
