# target: backprop
# exit: 0
# says: RIGHT
import numpy as np


def backprop(x, y, weights_1_2, weights_2_3):
    h = np.maximum(0, np.dot(x, weights_1_2))
    out = np.dot(h, weights_2_3)
    error = out - y
    return np.dot(x.T, np.dot(error, weights_2_3.T) * (h > 0)), np.dot(h.T, error)
