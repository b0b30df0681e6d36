# target: train
# exit: 0
# says: RIGHT for the cross-entropy, summed
import numpy as np


def train(X, y, n_hidden, lr=0.01, epochs=100):
    W1, b1 = np.random.randn(X.shape[1], n_hidden), np.zeros(n_hidden)
    W2, b2 = np.random.randn(n_hidden, 2), np.zeros(2)
    for _ in range(epochs):
        h = np.tanh(X @ W1 + b1)
        share = np.exp(h @ W2 + b2)
        share /= share.sum(axis=1, keepdims=True)
        share[np.arange(len(X)), y] -= 1
        below = share @ W2.T * (1 - h**2)
        W2, b2 = W2 - lr * h.T @ share, b2 - lr * share.sum(axis=0)
        W1, b1 = W1 - lr * X.T @ below, b1 - lr * below.sum(axis=0)
    return W1, b1, W2, b2
