"""Right computations of the passes in a given dtype, with the choices that a program may make open to the test."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np


def naive_sigmoid(z):
    with np.errstate(over="ignore"):
        a = 1 / (1 + np.exp(-z))
    return a, a * (1 - a)


def stable_sigmoid(z):
    t = np.exp(-abs(z))
    small, big = t / (1 + t), 1 / (1 + t)
    return np.where(z >= 0, big, small), small * big


def exp_form_sigmoid(z):
    """The slope as t·a², t held below overflow."""
    t = np.exp(np.minimum(-z, np.nextafter(np.log(np.finfo(z.dtype).max), 0, dtype=z.dtype)))
    a = 1 / (1 + t)
    return a, t * a * a


def tanh(z):
    a = np.tanh(z)
    return a, 1 - a * a


def factored_tanh(z):
    a = np.tanh(z)
    return a, (1 - a) * (1 + a)


def relu(z):
    return np.maximum(z, 0), (z > 0).astype(z.dtype)


def identity(z):
    return z, np.ones_like(z)


PLAIN = {"sigmoid": naive_sigmoid, "tanh": tanh, "relu": relu, "identity": identity}
STABLE = {"sigmoid": stable_sigmoid, "tanh": factored_tanh, "relu": relu, "identity": identity}
EXPONENTIAL = {**PLAIN, "sigmoid": exp_form_sigmoid}


def matmul(A, B):
    return A @ B


def shuffled(rng: np.random.Generator) -> Callable[[Any, Any], Any]:
    """Inner products whose terms are rounded, and then added one after the other in a random order."""

    def product(A, B):
        terms = A[:, :, np.newaxis] * B[np.newaxis, :, :]
        return np.add.accumulate(terms[:, rng.permutation(A.shape[1])], axis=1)[:, -1]

    return product


def fused(A, B):
    """Inner products by float32 fused multiply-add: the product in float64 is exact, and so is rounding only once."""
    assert A.dtype == np.float32
    total = np.zeros((len(A), B.shape[1]), np.float32)
    for i in range(A.shape[1]):
        exact = A[:, i : i + 1].astype(np.float64) * B[i : i + 1].astype(np.float64)
        total = (exact + total).astype(np.float32)
    return total


def tensor_float(A, B):
    """TF32 as a GPU's tensor cores have it: factors rounded to 10 bits of fraction, products and sums in float32."""
    return _ten_bits(A) @ _ten_bits(B)


def _ten_bits(A):
    bits = np.ascontiguousarray(A, dtype=np.float32).view(np.uint32)
    return ((bits + np.uint32(0x1000)) & np.uint32(0xFFFFE000)).view(np.float32)


def run(problem, parameters, x, y, dtype, *, functions=PLAIN, product=matmul):
    """(predictions, (loss, gradients)), computed in `dtype` throughout."""
    parameters = [(W.astype(dtype), b.astype(dtype)) for W, b in parameters]
    x, y = x.astype(dtype), y.astype(dtype)
    inputs, slopes, a = [], [], x
    for (W, b), name in zip(parameters, problem.activations, strict=True):
        inputs.append(a)
        a, slope = functions[name](product(a, W) + b)
        slopes.append(slope)
    error = a - y
    loss = np.asarray(np.mean(error * error), dtype)
    cotangent = error * np.asarray(2 / error.size, dtype)
    ones = np.ones((1, len(x)), dtype)
    gradients = []
    for (W, _), a_, slope in zip(parameters[::-1], inputs[::-1], slopes[::-1], strict=True):
        delta = cotangent * slope
        gradients.append((product(a_.T, delta), product(ones, delta)[0]))
        cotangent = product(delta, W.T)
    return a, (loss, gradients[::-1])
