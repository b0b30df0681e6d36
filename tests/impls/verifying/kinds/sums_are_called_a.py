# target: Net
# exit: 0
# says: RIGHT
import numpy as np


def s(v):
    return 1 / (1 + np.exp(-v))


class Net:
    def __init__(self, n_in, n_hidden, n_out):
        rng = np.random.default_rng(9)
        self.W1, self.W2 = rng.normal(size=(n_in, n_hidden)), rng.normal(size=(n_hidden, n_out))

    def forward(self, X):
        self.a1 = X @ self.W1
        self.z1 = s(self.a1)
        self.a2 = self.z1 @ self.W2
        self.z2 = s(self.a2)

    def backward(self, X, Y, lr):
        d2 = (self.z2 - Y) * self.z2 * (1 - self.z2)
        d1 = d2 @ self.W2.T * self.z1 * (1 - self.z1)
        self.W2 -= lr * self.z1.T @ d2
        self.W1 -= lr * X.T @ d1

    def loss(self, X, Y):
        self.forward(X)
        return 0.5 * np.sum((self.z2 - Y) ** 2)
