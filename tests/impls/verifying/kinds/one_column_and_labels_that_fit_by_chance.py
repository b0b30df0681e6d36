# target: Net
# exit: 0
# says: RIGHT for the binary cross-entropy, summed
import numpy as np


class Net:
    def __init__(self, sizes):
        self.sizes = sizes
        self.weights = [np.random.randn(sizes[i + 1], sizes[i]) for i in range(len(sizes) - 1)]
        self.biases = [np.random.randn(n, 1) for n in sizes[1:]]

    def feed_forward(self, a):
        for w, b in zip(self.weights, self.biases, strict=True):
            a = 1 / (1 + np.exp(-(w @ a + b)))
        return a

    def backprop(self, x, y):
        outs = [x]
        for w, b in zip(self.weights, self.biases, strict=True):
            outs.append(1 / (1 + np.exp(-(w @ outs[-1] + b))))
        biases, weights = [np.zeros(b.shape) for b in self.biases], [np.zeros(w.shape) for w in self.weights]
        delta = outs[-1] - y
        biases[-1], weights[-1] = delta, delta @ outs[-2].T
        for i in range(2, len(self.sizes)):
            delta = (self.weights[-i + 1].T @ delta) * outs[-i] * (1 - outs[-i])
            biases[-i], weights[-i] = delta, delta @ outs[-i - 1].T
        return biases, weights

    def loss(self, a, y):
        return -np.sum(y * np.log(a) + (1 - y) * np.log(1 - a))
