# target: Net
# exit: 1
# says: WRONG & slope
import numpy as np


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


class Net:
    def __init__(self, n_in, n_hidden, n_out):
        rng = np.random.default_rng(0)
        self.W1, self.W2 = rng.normal(size=(n_in, n_hidden)), rng.normal(size=(n_hidden, n_out))

    def train(self, x, y, lr=0.1):
        h = sigmoid(x @ self.W1)
        o = sigmoid(h @ self.W2)
        d2 = o - y  # the slip: the loss is squared
        d1 = d2 @ self.W2.T * h * (1 - h)
        self.W2 -= lr * h.T @ d2
        self.W1 -= lr * x.T @ d1
        print(f"loss: {np.mean((y - o) ** 2):.10f}")
