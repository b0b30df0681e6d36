# target: Classifier
# exit: 1
# says: sign of every gradient is flipped & cross-entropy
# predict gives classes and not the sigmoid's values, which are no forward pass that could be compared.
import numpy as np


class Classifier:
    def __init__(self, step_size=0.05, rounds=400, decay=0.2, limit=0.5):
        self.step_size = step_size
        self.rounds = rounds
        self.decay = decay
        self.limit = limit
        self.coef = None
        self.offset = None

    def fit(self, X, y):
        rows, columns = X.shape
        self.coef = np.zeros(columns)
        self.offset = 0
        for _ in range(self.rounds):
            chance = 1 / (1 + np.exp(-(X @ self.coef + self.offset)))
            d_coef = X.T @ (y - chance) / rows + self.decay / rows * self.coef
            d_offset = np.sum(y - chance) / rows
            self.coef -= self.step_size * d_coef
            self.offset -= self.step_size * d_offset

    def predict(self, X):
        return np.where(1 / (1 + np.exp(-(X @ self.coef + self.offset))) >= self.limit, 1, 0)
