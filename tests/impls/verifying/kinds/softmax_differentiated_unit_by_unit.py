# target: gradients
# exit: 1
# says: WRONG & softmax
import numpy as np


def forward(X, W1, b1, W2, b2):
    h = np.tanh(X @ W1 + b1)
    e = np.exp(h @ W2 + b2)
    return h, e / e.sum(axis=1, keepdims=True)


def cross_entropy_loss(P, Y):
    return -np.mean(np.sum(Y * np.log(P), axis=1))


def gradients(X, Y, W1, b1, W2, b2):
    h, P = forward(X, W1, b1, W2, b2)
    d2 = (P - Y) / len(X) * P * (1 - P)  # the slip: the loss has cancelled the slope already
    d1 = d2 @ W2.T * (1 - h**2)
    return {"W1": X.T @ d1, "b1": d1.sum(axis=0), "W2": h.T @ d2, "b2": d2.sum(axis=0)}
