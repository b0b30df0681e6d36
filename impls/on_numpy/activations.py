"""Activations in NumPy, in arrays made once: a = f(z), and the slope f′(z), for z of one shape."""

from __future__ import annotations

import numpy as np

from samegrad.impls.parameters import Array


class Sigmoid:
    """a = 1/(1 + e⁻ᶻ), with the slope a(1 − a).

    With t = e⁻ᶻ: a = 1/(1 + t) and 1 − a = t·a, which keeps its digits where a is so near to 1 that subtracting would
    lose them. Clamping −z where t would overflow changes a by less than the smallest normal number.
    """

    def __init__(self, shape: tuple[int, ...], dtype: str) -> None:
        self.t = np.empty(shape, dtype)
        self.one = np.array(1, dtype)
        self.largest = np.array(np.nextafter(np.log(np.finfo(dtype).max), 0))  # e^largest is finite

    def value(self, z: Array, a: Array) -> None:
        t = np.negative(z, out=self.t)
        np.minimum(t, self.largest, out=t)
        np.exp(t, out=t)
        np.add(t, self.one, out=a)
        np.reciprocal(a, out=a)

    def slope(self, z: Array, a: Array, out: Array) -> None:
        np.multiply(self.t, a, out=out)
        np.multiply(out, a, out=out)


class Tanh:
    """a = tanh z, with the slope 1 − a² = (1 − a)(1 + a)."""

    def __init__(self, shape: tuple[int, ...], dtype: str) -> None:
        self.one = np.array(1, dtype)

    def value(self, z: Array, a: Array) -> None:
        np.tanh(z, out=a)

    def slope(self, z: Array, a: Array, out: Array) -> None:
        np.subtract(self.one, a, out=out)
        np.multiply(out, self.one + a, out=out)


class Relu:
    """a = max(z, 0), with the slope 1 where z > 0 and 0 elsewhere (0 at the kink, as the frameworks have it)."""

    def __init__(self, shape: tuple[int, ...], dtype: str) -> None:
        self.zero = np.array(0, dtype)

    def value(self, z: Array, a: Array) -> None:
        np.maximum(z, self.zero, out=a)

    def slope(self, z: Array, a: Array, out: Array) -> None:
        np.greater(z, self.zero, out=out)


class Identity:
    """a = z, with the slope 1."""

    def __init__(self, shape: tuple[int, ...], dtype: str) -> None:
        pass

    def value(self, z: Array, a: Array) -> None:
        np.copyto(a, z)

    def slope(self, z: Array, a: Array, out: Array) -> None:
        out.fill(1)


Activation = Sigmoid | Tanh | Relu | Identity
ACTIVATIONS: dict[str, type[Activation]] = {"sigmoid": Sigmoid, "tanh": Tanh, "relu": Relu, "identity": Identity}
