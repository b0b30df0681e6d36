# target: Classifier
# exit: 0
# says: RIGHT & binary cross-entropy, summed & squared error, as printed & the file speaks of the other one
"""Logistic regression, whose squared error is printed to show how far it is."""

import numpy as np


class Classifier:
    def __init__(self, rate=0.1, rounds=100):
        self.rate, self.rounds = rate, rounds

    def fit(self, X, y):
        rng = np.random.default_rng(4)
        self.w, self.b = rng.normal(size=X.shape[1]), 0.5
        for _ in range(self.rounds):
            p = 1 / (1 + np.exp(-(X @ self.w + self.b)))
            print("error", np.mean((y - p) ** 2))
            self.w = self.w + self.rate * X.T @ (y - p)
            self.b = self.b + self.rate * np.sum(y - p)
        return self
