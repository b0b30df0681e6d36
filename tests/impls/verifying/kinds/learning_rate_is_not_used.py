# target: Net.train
# exit: 0
# says: learning rate that it takes is not used & RIGHT
import numpy as np


class Net:
    def __init__(self, n_in, n_hidden, n_out):
        self.W1, self.b1 = np.random.randn(n_in, n_hidden), np.zeros(n_hidden)
        self.W2, self.b2 = np.random.randn(n_hidden, n_out), np.zeros(n_out)

    def train(self, x, y, learning_rate=0.1):
        h = np.tanh(x @ self.W1 + self.b1)
        miss = 2 * (h @ self.W2 + self.b2 - y) / y.size
        below = miss @ self.W2.T * (1 - h**2)
        self.W2 -= h.T @ miss
        self.b2 -= miss.sum(0)
        self.W1 -= x.T @ below
        self.b1 -= below.sum(0)
