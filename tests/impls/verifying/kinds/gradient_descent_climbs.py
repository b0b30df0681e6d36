# target: Net
# exit: 1
# says: WRONG & sign
import numpy as np


class Net:
    """Its gradients are right and its update adds them: only the whole shows it."""

    def __init__(self, d_in, d_hidden, d_out):
        self.V = np.random.randn(d_in, d_hidden)
        self.W = np.random.randn(d_hidden, d_out)

    def think(self, X):
        self.hidden = np.tanh(X @ self.V)
        self.output = 1 / (1 + np.exp(-self.hidden @ self.W))
        return self.output

    def back_propagation(self, X, y):
        d = 2 * (self.output - y) / len(X) * self.output * (1 - self.output)
        self.W_grad = self.hidden.T @ d
        self.V_grad = X.T @ (d @ self.W.T * (1 - self.hidden**2))

    def update(self):
        self.V += 0.02 * self.V_grad
        self.W += 0.02 * self.W_grad

    def gradient_descent(self, X, y, iterations=10000):
        for _ in range(iterations):
            self.think(X)
            self.back_propagation(X, y)
            self.update()
