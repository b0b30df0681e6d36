"""Gradients are added to what is there, and nobody clears them."""

import numpy as np

grads = {"dW1": 0, "db1": 0, "dW2": 0, "db2": 0}


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def backward(x, y, W1, b1, W2, b2):
    a1 = sigmoid(x @ W1 + b1)
    a2 = sigmoid(a1 @ W2 + b2)
    delta2 = (a2 - y) * a2 * (1 - a2)
    delta1 = delta2 @ W2.T * a1 * (1 - a1)
    grads["dW1"] += x.T @ delta1
    grads["db1"] += delta1.sum(axis=0)
    grads["dW2"] += a1.T @ delta2
    grads["db2"] += delta2.sum(axis=0)
    return grads
