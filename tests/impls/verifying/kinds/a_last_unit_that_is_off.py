# target: Fold
# exit: 0
# says: relu and identity & RIGHT for 1/N·Σ\(a−y\)²|RIGHT for Σ\(a−y\)²
import numpy as np


class Fold:
    def __init__(self, spec):
        self.weights = [np.random.rand(high, wide) for wide, high in spec]
        self.biases = [np.random.rand(high) for _, high in spec]

    def forward(self, x):
        self.kept = [x]
        for w, b in zip(self.weights, self.biases):
            self.kept.append(np.maximum(w @ self.kept[-1] + b, 0))
        return self.kept[-1]

    def train(self, x, y):
        d = 2 * (self.forward(x) - y) * (self.kept[-1] > 0)
        for i in (1, 0):
            down = (self.weights[i].T @ d) * (self.kept[i] > 0)
            self.weights[i] -= 1e-3 * np.outer(d, self.kept[i])
            self.biases[i] -= 1e-3 * d
            d = down


fold = Fold([(6, 4), (4, 1)])
for row in np.random.rand(20, 6):
    fold.train(row, row.sum())
