# target: train
# exit: 0
# says: RIGHT & mean
# The training only passes the lists W and b on, to functions that use them.
import numpy as np


def run(x, W, b):
    h = np.tanh(x @ W[0] + b[0])
    return h, h @ W[1] + b[1]


def slopes(x, y, W, b):
    h, out = run(x, W, b)
    d2 = 2 * (out - y) / out.size
    d1 = d2 @ W[1].T * (1 - h**2)
    return [x.T @ d1, h.T @ d2], [d1.sum(axis=0, keepdims=True), d2.sum(axis=0, keepdims=True)]


def shift(W, b, dW, db, lr):
    for i in range(len(W)):
        W[i] -= lr * dW[i]
        b[i] -= lr * db[i]


def train(x, y, W, b, iters, lr):
    for _ in range(iters):
        dW, db = slopes(x, y, W, b)
        shift(W, b, dW, db, lr)
    return W, b
