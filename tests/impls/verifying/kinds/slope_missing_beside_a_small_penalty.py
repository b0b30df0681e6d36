# target: Net
# exit: 1
# says: the slope σ′\(z\) is missing in the layer
import numpy as np


class Net:
    def __init__(self, n_in, n_out, lr=0.1):
        self.W, self.b = np.random.randn(n_in, n_out), np.zeros(n_out)
        self.lr = lr

    def forward(self, x):
        return 1 / (1 + np.exp(-(x @ self.W + self.b)))

    def cost(self, x, y):
        return np.mean((self.forward(x) - y) ** 2)

    def train(self, x, y):
        miss = 2 * (self.forward(x) - y) / y.size
        self.W -= self.lr * (x.T @ miss + 1e-4 * self.W)
        self.b -= self.lr * miss.sum(axis=0)
