# target: one_step
# exit: 2
# says: cannot tell & cost\(\) adds a penalty on the weights
"""The cost has a penalty on all but the first weight, and the step does not."""

import numpy as np


def cost(X, y, theta):
    return np.sum((X @ theta - y) ** 2) / (2 * len(X)) + np.sum(theta[1:] ** 2) * 0.5 / len(X)


def one_step(X, y, theta):
    return theta - 0.1 * X.T @ (X @ theta - y) / len(X)
