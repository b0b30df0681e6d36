# target: Net
# exit: 0
# says: RIGHT for 1/N·Σ\(a−y\)² & Not tested: later steps
import numpy as np


class Net:
    def __init__(self, lr=0.1, epochs=100):
        self.lr, self.epochs = lr, epochs

    def fit(self, x, y):
        rng = np.random.default_rng(1)
        self.W, self.b = rng.normal(size=(x.shape[1], y.shape[1])), np.zeros(y.shape[1])
        speed_W, speed_b = 0.0, 0.0
        for _ in range(self.epochs):
            miss = 2 * (np.tanh(x @ self.W + self.b) - y) / len(x)
            miss = miss * (1 - np.tanh(x @ self.W + self.b) ** 2)
            speed_W = 0.9 * speed_W - self.lr * x.T @ miss
            speed_b = 0.9 * speed_b - self.lr * miss.sum(axis=0)
            self.W = self.W + speed_W
            self.b = self.b + speed_b

    def predict(self, x):
        return np.tanh(x @ self.W + self.b)
