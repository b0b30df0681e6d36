"""A straight line; the inputs are a column, the targets are not."""

import numpy as np

rng = np.random.RandomState(42)
x = rng.rand(100, 1)
y = 2 * x[:, 0] + 1 + 0.1 * rng.randn(100)


def gradient(x, y, w, b):
    error = (w * x + b) - y
    dw = 2 * np.mean(error * x)
    db = 2 * np.mean(error)
    return dw, db
