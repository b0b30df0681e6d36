# target: Net
# exit: 0
# says: tanh and sigmoid and softmax & RIGHT for the cross-entropy
import numpy as np


def share(z):
    e = np.exp(z - np.max(z))
    return e / np.sum(e)


def squash(z):
    return 1 / (1 + np.exp(-z))


class Net:
    def __init__(self, n_in, n_first, n_second, n_out):
        self.W1, self.b1 = np.random.randn(n_in, n_first), np.zeros(n_first)
        self.W2, self.b2 = np.random.randn(n_first, n_second), np.zeros(n_second)
        self.W3, self.b3 = np.random.randn(n_second, n_out), np.zeros(n_out)

    def forward(self, x):
        h = squash(np.tanh(x @ self.W1 + self.b1) @ self.W2 + self.b2)
        return share(h @ self.W3 + self.b3)

    def train(self, inputs, labels, lr=0.1):
        for row, label in zip(inputs, labels):
            g = np.tanh(row @ self.W1 + self.b1)
            h = squash(g @ self.W2 + self.b2)
            miss = share(h @ self.W3 + self.b3)
            miss[label] -= 1
            above = self.W3 @ miss * h * (1 - h)
            below = self.W2 @ above * (1 - g**2)
            self.W3 -= lr * np.outer(h, miss)
            self.b3 -= lr * miss
            self.W2 -= lr * np.outer(g, above)
            self.b2 -= lr * above
            self.W1 -= lr * np.outer(row, below)
            self.b1 -= lr * below
