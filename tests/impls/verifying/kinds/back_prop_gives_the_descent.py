# target: Net
# exit: 0
# says: RIGHT
import numpy as np


class Net:
    """What back_prop returns points downhill, and gradient_descent adds it: the step is right."""

    def __init__(self, n_x, n_y, step_size=0.1):
        self.step_size = step_size
        self.weights = np.random.default_rng().normal(size=(n_x, n_y))
        self.bias = np.zeros(n_y)

    def forward(self, X):
        return np.tanh(X @ self.weights + self.bias)

    def back_prop(self, X, Y, out):
        delta = 2 * (Y - out) * (1 - out**2)
        return X.T @ delta, delta.sum(axis=0)

    def gradient_descent(self, X, Y, steps=900):
        for _ in range(steps):
            d_weights, d_bias = self.back_prop(X, Y, self.forward(X))
            self.weights += self.step_size / Y.size * d_weights
            self.bias += self.step_size / Y.size * d_bias
