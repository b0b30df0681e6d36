# target: slope_of_loss
# exit: 0
# says: RIGHT
import numpy as np


def slope_of_loss(X, y, w, b):
    out = 1 / (1 + np.exp(-(X @ w + b)))
    delta = (out - y) * out * (1 - out)
    return X.T @ delta, np.sum(delta)  # one unit, and so one number for its bias
