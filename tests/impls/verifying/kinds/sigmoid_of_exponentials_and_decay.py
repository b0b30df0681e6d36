# target: optimize
# exit: 0
# says: RIGHT & L2 penalty & 0.01·W & rounds a little more
# exp(z)/(1 + exp(z)) rounds a little more than the bound allows, and there is a penalty beside it: not float32.
import numpy as np


def logistic(z):
    return np.exp(z) / (1 + np.exp(z))


def optimize(batch_x, target, coefs_, intercepts_, l_rate=0.1, num_epochs=1000, reg_lambda=0.01):
    for _ in range(num_epochs):
        for start in range(0, len(batch_x), 16):
            xb, yb = batch_x[start : start + 16], target[start : start + 16]
            hidden = logistic(np.dot(xb, coefs_[0]) + intercepts_[0])
            final = logistic(np.dot(hidden, coefs_[1]) + intercepts_[1])
            delta_2 = (final - yb) * final * (1 - final)
            delta_1 = np.dot(delta_2, coefs_[1].T) * hidden * (1 - hidden)
            coefs_[0] = coefs_[0] - l_rate * (np.dot(xb.T, delta_1) + reg_lambda * coefs_[0])
            intercepts_[0] = intercepts_[0] - l_rate * delta_1.sum(axis=0, keepdims=True)
            coefs_[1] = coefs_[1] - l_rate * (np.dot(hidden.T, delta_2) + reg_lambda * coefs_[1])
            intercepts_[1] = intercepts_[1] - l_rate * delta_2.sum(axis=0, keepdims=True)
    return coefs_, intercepts_
