# target: Net
# flags: --loss {here}/a_loss_method_of_the_class.py:Net.cost
# exit: 1
# says: WRONG & your own loss
import numpy as np


class Net:
    def __init__(self, n_in, n_hidden, n_out):
        rng = np.random.default_rng(4)
        self.W1, self.b1 = rng.normal(size=(n_in, n_hidden)), np.zeros(n_hidden)
        self.W2, self.b2 = rng.normal(size=(n_hidden, n_out)), np.zeros(n_out)

    def forward(self, X):
        self.h = np.tanh(X @ self.W1 + self.b1)
        return self.h @ self.W2 + self.b2

    def cost(self, X, Y):
        return np.sum(np.log(np.cosh(self.forward(X) - Y)))

    def backward(self, X, Y, lr):
        d2 = self.forward(X) - Y  # the slip: tanh of it is due
        d1 = d2 @ self.W2.T * (1 - self.h**2)
        self.W2 -= lr * self.h.T @ d2
        self.b2 -= lr * d2.sum(axis=0)
        self.W1 -= lr * X.T @ d1
        self.b1 -= lr * d1.sum(axis=0)
