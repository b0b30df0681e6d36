# target: gradient
# exit: 2
# says: cannot tell & right for one row, and takes several as well
import numpy as np


def gradient(x, y, v1, c1, v2, c2):
    sums = v1 @ x + c1
    hidden = np.log1p(np.exp(sums))
    out = v2 @ hidden + c2
    d2 = 2 * (out - y) / y.size
    d1 = v2.T @ d2 / (1 + np.exp(-sums))
    loss = np.mean((y - out) ** 2)
    return loss, (d1 @ x.T, d1[:, -1:], d2 @ hidden.T, d2.sum(axis=1, keepdims=True))
