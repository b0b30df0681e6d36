# target: Net
# exit: 2
# says: cannot tell & Adam
import numpy as np


class Net:
    def __init__(self, n_in, n_hidden, n_out):
        rng = np.random.default_rng(2)
        self.W1, self.W2 = rng.normal(size=(n_in, n_hidden)), rng.normal(size=(n_hidden, n_out))
        self.m = [np.zeros_like(self.W1), np.zeros_like(self.W2)]
        self.v = [np.zeros_like(self.W1), np.zeros_like(self.W2)]
        self.t = 0

    def forward(self, X):
        self.h = np.tanh(X @ self.W1)
        return self.h @ self.W2

    def train(self, X, Y, lr=0.001):
        d2 = (self.forward(X) - Y) / len(X)
        d1 = d2 @ self.W2.T * (1 - self.h**2)
        self.t += 1
        for i, (weights, grad) in enumerate(((self.W1, X.T @ d1), (self.W2, self.h.T @ d2))):
            self.m[i] = 0.9 * self.m[i] + 0.1 * grad
            self.v[i] = 0.999 * self.v[i] + 0.001 * grad**2
            m, v = self.m[i] / (1 - 0.9**self.t), self.v[i] / (1 - 0.999**self.t)
            weights -= lr * m / (np.sqrt(v) + 1e-8)
