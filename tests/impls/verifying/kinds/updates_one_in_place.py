# target: step
# exit: 0
# says: RIGHT
import numpy as np


def loss(X, y, w, b):
    return np.mean((X @ w + b - y) ** 2) / 2


def step(X, y, w, b, lr):
    miss = X @ w + b - y
    w -= lr * X.T @ miss / miss.size
    b = b - lr * miss.sum(axis=0) / miss.size
    return w, b
