# target: fit
# exit: 0
# says: RIGHT
import numpy as np


def fit(X, y, lr=0.1, epochs=100):
    rng = np.random.default_rng(0)
    W, b = rng.normal(size=(X.shape[1], y.shape[1])), np.zeros(y.shape[1])
    for _ in range(epochs):
        miss = X @ W + b - y
        W = W - lr * 2 * X.T @ miss / len(X)
        b = b - lr * 2 * miss.mean(axis=0)
    return W, b
