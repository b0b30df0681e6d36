"""A 2-2-2 network without biases, worked by hand as in many a blog post. The weights are (units, inputs)."""

import numpy as np

x = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
y = np.array([[0.0], [1.0], [1.0], [0.0]])
W1 = np.array([[0.1, 0.2], [0.3, 0.4]])
W2 = np.array([[0.5, 0.6], [0.7, 0.8]])


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def forward(x, W1, W2):
    h = sigmoid(x @ W1.T)
    o = sigmoid(h @ W2.T)
    return h, o


def backward(x, y, W1, W2):
    h, o = forward(x, W1, W2)
    d2 = (o - y) * o * (1 - o)
    d1 = (d2 @ W2) * h * (1 - h)
    dW1 = x.T @ d1
    dW2 = h.T @ d2
    return dW1, dW2
