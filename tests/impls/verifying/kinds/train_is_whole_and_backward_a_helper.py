# target: Perceptron
# exit: 0
# says: RIGHT
import numpy as np


def squash(z):
    return 1 / (1 + np.exp(-z))


class Perceptron:
    def __init__(self, n_in, n_hidden, n_out):
        rng = np.random.default_rng(7)
        self.w_hidden, self.w_out = rng.normal(size=(n_in, n_hidden)), rng.normal(size=(n_hidden, n_out))

    def backward(self, miss, outputs, hidden):
        delta = miss * outputs * (1 - outputs)
        return delta, delta @ self.w_out.T * hidden * (1 - hidden)

    def train(self, X, Y, rate=0.5):
        hidden = squash(X @ self.w_hidden)
        outputs = squash(hidden @ self.w_out)
        delta, delta_hidden = self.backward(Y - outputs, outputs, hidden)
        self.w_out += rate * hidden.T @ delta
        self.w_hidden += rate * X.T @ delta_hidden
        return np.mean((Y - outputs) ** 2)
