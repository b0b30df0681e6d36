# target: descend
# exit: 0
# says: RIGHT & mean binary cross-entropy & 4×1
"""A training that returns the list of its weights after every epoch, a bias first."""

import numpy as np


def descend(X, y, alpha, num_iters):
    w_history = []
    X = np.column_stack([np.ones(len(X)), X])
    w = np.zeros(X.shape[1])
    for _ in range(num_iters):
        p = 1 / (1 + np.exp(-X @ w))
        w = w - alpha * X.T @ (p - y) / len(y)
        w_history.append(w)
    return w_history
