# target: backward
# exit: 0
# says: RIGHT & not tested|forward
import numpy as np


def backward(X, Y, A1, A2, W1, b1, W2, b2):
    dZ2 = (A2 - Y) / len(X)
    dZ1 = dZ2 @ W2.T * (1 - np.power(A1, 2))
    return X.T @ dZ1, dZ1.sum(axis=0), A1.T @ dZ2, dZ2.sum(axis=0)
