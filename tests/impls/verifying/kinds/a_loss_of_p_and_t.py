# target: gradients
# flags: --loss {here}/a_loss_of_p_and_t.py:huber
# exit: 0
# says: RIGHT & your own loss
import numpy as np


def predict(X, W1, b1, W2, b2):
    return np.tanh(X @ W1 + b1) @ W2 + b2


def huber(p, t):
    miss = np.abs(p - t)
    return np.sum(np.where(miss < 0.5, 0.5 * miss**2, 0.5 * (miss - 0.25)))


def gradients(X, T, W1, b1, W2, b2):
    h = np.tanh(X @ W1 + b1)
    d2 = np.clip(h @ W2 + b2 - T, -0.5, 0.5)
    d1 = d2 @ W2.T * (1 - h * h)
    return X.T @ d1, d1.sum(axis=0), h.T @ d2, d2.sum(axis=0)
