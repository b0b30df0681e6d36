# target: Net
# exit: 1
# says: WRONG & bias
import numpy as np


class Net:
    def __init__(self, n_in, n_hidden, n_out):
        rng = np.random.default_rng(0)
        self.W1, self.b1 = rng.normal(size=(n_in, n_hidden)), np.zeros(n_hidden)
        self.W2, self.b2 = rng.normal(size=(n_hidden, n_out)), np.zeros(n_out)

    def forward(self, x):
        self.h = np.tanh(x @ self.W1 + self.b1)
        return self.h @ self.W2 + self.b2

    def backward(self, x, y):
        d2 = (self.forward(x) - y) / len(x)
        d1 = d2 @ self.W2.T * (1 - self.h**2)
        return x.T @ d1, d1.sum(axis=0), self.h.T @ d2, d2.sum(axis=0)

    def train(self, x, y, lr, epochs):
        for _ in range(epochs):
            dW1, db1, dW2, db2 = self.backward(x, y)
            self.W1 -= lr * dW1
            self.b1 -= lr * db1
            self.W2 -= lr * dW2
            self.b2 += lr * db2  # the slip
