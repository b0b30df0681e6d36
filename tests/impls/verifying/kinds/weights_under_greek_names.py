# target: gradients
# exit: 0
# says: tanh and sigmoid & RIGHT
import numpy as np


def gradients(x, y, alpha, b, beta, c):
    h = np.tanh(x @ alpha + b)
    o = 1 / (1 + np.exp(-(h @ beta + c)))
    miss = (o - y) * o * (1 - o)
    below = miss @ beta.T * (1 - h**2)
    return x.T @ below, below.sum(axis=0), h.T @ miss, miss.sum(axis=0)
