# target: Net
# exit: 2
# says: cannot tell
import numpy as np


def squash(t):
    return np.exp(t) / (1 + np.exp(t))


class Net:
    """Columns are samples, and what backpropagation returns points downhill; `train` cuts its data along the rows."""

    def __init__(self, layers):
        self.weights = [np.random.randn(m, n) for n, m in zip(layers, layers[1:])]  # noqa: RUF007
        self.biases = [np.random.randn(m, 1) for m in layers[1:]]

    def forward(self, inputs):
        activations = [inputs]
        for w, b in zip(self.weights, self.biases):
            activations.append(squash(w @ activations[-1] + b))
        return activations

    def backpropagation(self, Y, activations):
        deltas = [(Y - activations[-1]) * activations[-1] * (1 - activations[-1])]
        for w, a in zip(self.weights[:0:-1], activations[-2:0:-1]):
            deltas.insert(0, (w.T @ deltas[0]) * a * (1 - a))
        n = Y.shape[1]
        return [d @ a.T / n for d, a in zip(deltas, activations)], [d.sum(axis=1, keepdims=True) / n for d in deltas]

    def train(self, x, y, size=10, epochs=100, lr=0.01):
        for _ in range(1, epochs):
            for i in range(0, len(y), size):
                dw, db = self.backpropagation(y[i : i + size], self.forward(x[i : i + size]))
                self.weights = [w + lr * d for w, d in zip(self.weights, dw)]
                self.biases = [b + lr * d for b, d in zip(self.biases, db)]
