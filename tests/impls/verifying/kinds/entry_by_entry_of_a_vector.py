# target: one_step
# exit: 0
# says: RIGHT & ½ & theta
"""Each entry of a vector gets its own step, beside a column of ones that the caller adds."""

import numpy as np


def one_step(m, X, y, theta):
    new = np.ones(len(theta))
    for j in range(len(theta)):
        new[j] = theta[j] - 1 / m * np.sum((X.dot(theta) - y) * X[:, j])
    return new
