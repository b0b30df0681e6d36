# target: Mesh
# exit: 0
# says: RIGHT for ½·Σ\(a−y\)²
from itertools import pairwise

import numpy as np


class Mesh:
    def __init__(self, sizes):
        self.weights = [np.random.randn(n, m) for n, m in pairwise(sizes)]
        self.biases = [np.random.randn(m, 1) for m in sizes[1:]]

    def feed_forward(self, inputs):
        self.seen = [inputs]
        for w, b in zip(self.weights, self.biases):
            inputs = np.tanh(w.T @ inputs + b)
            self.seen.append(inputs)
        return inputs

    def backpropagation(self, inputs, prediction):
        """The prediction is the one that is due."""
        d = (self.feed_forward(inputs) - prediction) * (1 - self.seen[-1] ** 2)
        of_weights, of_biases = [], []
        for w, before in zip(self.weights[::-1], self.seen[-2::-1]):
            of_weights.insert(0, before @ d.T)
            of_biases.insert(0, d.sum(axis=1, keepdims=True))
            d = (w @ d) * (1 - before**2)
        return of_biases, of_weights
