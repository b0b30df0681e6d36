# target: gradients
# exit: 0
# says: RIGHT
import numpy as np


def gradients(X, Y, W1, b1, W2, b2):
    h = np.tanh(X @ W1 + b1)
    d2 = (h @ W2 + b2 - Y) / len(X)
    d1 = d2 @ W2.T * (1 - h * h)
    return [list(X.T @ d1), list(d1.sum(axis=0)), list(h.T @ d2), list(d2.sum(axis=0))]
