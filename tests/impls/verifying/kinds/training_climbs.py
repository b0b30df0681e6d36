# target: optimize
# exit: 1
# says: sign of every gradient is flipped & binary cross-entropy
# The error is out − target, and the step is added: a training that is a function takes its own step.
import numpy as np


def relu(z):
    return z * (z > 0)


def optimize(X, target, n_hidden, learningRate=0.1, n_epochs=1000):
    params = {
        "W1": np.random.RandomState(1).randn(X.shape[1], n_hidden),
        "b1": np.zeros(n_hidden),
        "W2": np.random.RandomState(2).randn(n_hidden, target.shape[1]),
        "b2": np.zeros(target.shape[1]),
    }
    for _ in range(n_epochs):
        sums = np.dot(X, params["W1"]) + params["b1"]
        hidden = relu(sums)
        out = 1 / (1 + np.exp(-(np.dot(hidden, params["W2"]) + params["b2"])))
        d2 = out - target
        d1 = np.dot(d2, params["W2"].T) * (sums > 0)
        params["W2"] += learningRate / len(X) * np.dot(hidden.T, d2)
        params["b2"] += learningRate / len(X) * d2.sum(axis=0)
        params["W1"] += learningRate / len(X) * np.dot(X.T, d1)
        params["b1"] += learningRate / len(X) * d1.sum(axis=0)
    return params


def cost(out, target):
    return -np.sum(target * np.log(out) + (1 - target) * np.log(1 - out)) / len(out)
