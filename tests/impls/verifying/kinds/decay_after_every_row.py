# target: Net
# exit: 0
# says: RIGHT & an L2 penalty on the weights .weight decay., 0.01·W & after every row
import numpy as np


class Net:
    def __init__(self, n_in, n_hidden, n_out):
        self.W1, self.b1 = np.random.randn(n_in, n_hidden), np.zeros(n_hidden)
        self.W2, self.b2 = np.random.randn(n_hidden, n_out), np.zeros(n_out)

    def train(self, x, y, lr=0.1):
        for row, target in zip(x, y):
            h = np.tanh(row @ self.W1 + self.b1)
            miss = h @ self.W2 + self.b2 - target
            below = self.W2 @ miss * (1 - h**2)
            self.W2 -= lr * (np.outer(h, miss) + 0.01 * self.W2)
            self.b2 -= lr * miss
            self.W1 -= lr * (np.outer(row, below) + 0.01 * self.W1)
            self.b1 -= lr * below
