# target: Sorter
# exit: 0
# says: RIGHT for ½·Σ\(a−y\)²
from itertools import pairwise

import numpy as np


class Sorter:
    def __init__(self, sizes):
        self.sizes = sizes
        self.weights = [np.random.randn(m, n) for n, m in pairwise(sizes)]
        self.biases = [np.random.randn(m, 1) for m in sizes[1:]]

    def feed_forward(self, x):
        for w, b in zip(self.weights, self.biases):
            x = 1 / (1 + np.exp(-(w @ x + b)))
        return x

    def backpropagation(self, x, y):
        passed = [x]
        for w, b in zip(self.weights, self.biases):
            passed.append(1 / (1 + np.exp(-(w @ passed[-1] + b))))
        wanted = np.zeros((self.sizes[-1], 1))
        wanted[y, 0] = 1
        d = (passed[-1] - wanted) * passed[-1] * (1 - passed[-1])
        dw, db = [], []
        for w, a in zip(self.weights[::-1], passed[-2::-1]):
            dw.insert(0, d @ a.T)
            db.insert(0, d)
            d = (w.T @ d) * a * (1 - a)
        return dw, db
