"""A training step that returns the new parameters."""

import numpy as np


def sigmoid(z):
    return 1.0 / (1.0 + np.exp(-z))


def train_step(x, y, W1, b1, W2, b2, learning_rate):
    a1 = sigmoid(x @ W1 + b1)
    a2 = sigmoid(a1 @ W2 + b2)

    delta2 = (a2 - y) * a2 * (1 - a2) / len(x)
    W2 = W2 - learning_rate * a1.T @ delta2
    b2 = b2 - learning_rate * delta2.sum(axis=0)

    delta1 = delta2 @ W2.T * a1 * (1 - a1)
    W1 = W1 - learning_rate * x.T @ delta1
    b1 = b1 - learning_rate * delta1.sum(axis=0)
    return W1, b1, W2, b2
