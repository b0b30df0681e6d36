# target: gradient_descent_step
# exit: 0
# says: RIGHT
import numpy as np


def gradient_descent_step(X, y, theta, alpha):
    with_ones = np.column_stack([np.ones(len(X)), X])
    return theta - alpha * with_ones.T @ (with_ones @ theta - y) / len(X)
