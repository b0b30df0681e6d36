"""A loss of one's own, and its gradient."""

import numpy as np


def forward(x, W1, b1, W2, b2):
    return np.tanh(x @ W1 + b1) @ W2 + b2


def loss(x, y, W1, b1, W2, b2):
    return np.mean(np.log(np.cosh(forward(x, W1, b1, W2, b2) - y)))


def gradients(x, y, W1, b1, W2, b2):
    h = np.tanh(x @ W1 + b1)
    d_out = np.tanh(h @ W2 + b2 - y) / y.size
    d_h = d_out @ W2.T * (1 - h**2)
    return x.T @ d_h, d_h.sum(0), h.T @ d_out, d_out.sum(0)


def gradients_without_slope(x, y, W1, b1, W2, b2):
    h = np.tanh(x @ W1 + b1)
    d_out = np.tanh(h @ W2 + b2 - y) / y.size
    d_h = d_out @ W2.T
    return x.T @ d_h, d_h.sum(0), h.T @ d_out, d_out.sum(0)
