# target: gradients
# flags: --loss squared-error
# exit: 0
# says: RIGHT & squared error of its own forward pass
import numpy as np


def leaky_relu(z):
    return np.maximum(0.2 * z, z)


def forward(X, W1, b1, W2, b2):
    return leaky_relu(X @ W1 + b1) @ W2 + b2


def gradients(X, Y, W1, b1, W2, b2):
    z = X @ W1 + b1
    h = leaky_relu(z)
    d2 = h @ W2 + b2 - Y
    d1 = d2 @ W2.T * np.where(z > 0, 1, 0.2)
    return X.T @ d1, d1.sum(axis=0), h.T @ d2, d2.sum(axis=0)
