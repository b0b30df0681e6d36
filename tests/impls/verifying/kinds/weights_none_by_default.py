# target: Net
# exit: 0
# says: RIGHT
import numpy as np


class Net:
    def __init__(self, num_inputs, num_hidden, num_outputs, hidden_layer_weights=None, output_layer_weights=None):
        rng = np.random.default_rng(0)
        self.w1, self.w2 = hidden_layer_weights, output_layer_weights
        if self.w1 is None:
            self.w1 = rng.normal(size=(num_inputs, num_hidden))
        if self.w2 is None:
            self.w2 = rng.normal(size=(num_hidden, num_outputs))

    def forward(self, X):
        self.h = np.tanh(X @ self.w1)
        return self.h @ self.w2

    def train(self, X, Y, lr=0.1):
        d = self.forward(X) - Y
        d1 = d @ self.w2.T * (1 - self.h**2)
        self.w2 -= lr * self.h.T @ d
        self.w1 -= lr * X.T @ d1
