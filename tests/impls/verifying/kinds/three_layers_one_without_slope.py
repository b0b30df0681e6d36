# target: Deep
# exit: 1
# says: WRONG & hidden layer 2
import itertools

import numpy as np


class Deep:
    def __init__(self, sizes=(6, 16, 12, 2)):
        rng = np.random.default_rng(8)
        self.W = [rng.normal(size=pair) for pair in itertools.pairwise(sizes)]
        self.b = [np.zeros(n) for n in sizes[1:]]

    def forward(self, X):
        self.a = [X]
        for i, (W, b) in enumerate(zip(self.W, self.b, strict=True)):
            z = self.a[-1] @ W + b
            self.a.append(z if i == len(self.W) - 1 else np.maximum(z, 0))
        return self.a[-1]

    def backward(self, X, Y, lr):
        delta = (self.forward(X) - Y) / len(X)
        for i in reversed(range(len(self.W))):
            dW, db = self.a[i].T @ delta, delta.sum(axis=0)
            delta = delta @ self.W[i].T
            if i != 2:  # the slip: the mask of the second hidden layer is missing
                delta = delta * (self.a[i] > 0)
            self.W[i] -= lr * dW
            self.b[i] -= lr * db
