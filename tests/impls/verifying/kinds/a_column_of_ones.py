# target: gradient_descent_step
# exit: 0
# says: RIGHT
# awaits: weights of one row more than inputs, as an argument, are not tried
import numpy as np


def gradient_descent_step(X, y, theta, alpha):
    with_ones = np.column_stack([np.ones(len(X)), X])
    return theta - alpha * with_ones.T @ (with_ones @ theta - y) / len(X)
