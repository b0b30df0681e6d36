"""The hidden bias is forgotten and the output's slope as well."""

import numpy as np


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


class Network:
    def __init__(self, sizes, eta=0.1):
        self.W = [np.random.randn(m, n) for m, n in zip(sizes, sizes[1:])]
        self.b = [np.random.randn(1, n) for n in sizes[1:]]
        self.eta = eta

    def feed_forward(self, x):
        self.a = [x]
        for W, b in zip(self.W, self.b):
            self.a.append(sigmoid(self.a[-1] @ W + b))
        return self.a[-1]

    def loss(self, x, y):
        return np.mean((self.feed_forward(x) - y) ** 2)

    def backprop(self, x, y):
        self.feed_forward(x)
        delta = self.a[2] - y
        hidden = delta @ self.W[1].T * self.a[1] * (1 - self.a[1])
        self.W[1] -= self.eta * self.a[1].T @ delta
        self.b[1] -= self.eta * delta.sum(axis=0)
        self.W[0] -= self.eta * x.T @ hidden
