# target: cost_and_slope
# exit: 0
# says: RIGHT & your own loss & 4×1
"""Logistic regression by one vector, whose first entry goes with a column of ones and has no penalty."""

import numpy as np


def squash(z):
    return 1 / (1 + np.exp(-z))


def cost_and_slope(theta, X, y, lam):
    n = len(y)
    p = squash(X @ theta)
    cost = -(y @ np.log(p) + (1 - y) @ np.log(1 - p)) / n + lam / (2 * n) * np.sum(theta[1:] ** 2)
    slope = X.T @ (p - y) / n
    slope[1:] += lam / n * theta[1:]
    return cost, slope
