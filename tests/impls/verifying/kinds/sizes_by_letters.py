# target: Classifier
# exit: 0
# says: RIGHT
import numpy as np


class Classifier:
    def __init__(self, D, H, C):
        self.W1, self.b1 = 0.1 * np.random.randn(D, H), np.zeros(H)
        self.W2, self.b2 = 0.1 * np.random.randn(H, C), np.zeros(C)

    def forward(self, X):
        self.hidden = np.maximum(X @ self.W1 + self.b1, 0)
        scores = np.exp(self.hidden @ self.W2 + self.b2)
        return scores / scores.sum(axis=1, keepdims=True)

    def gradients(self, X, y):
        d = self.forward(X)
        d[np.arange(len(y)), y] -= 1
        d /= len(y)
        dh = (d @ self.W2.T) * (self.hidden > 0)
        return {"W1": X.T @ dh, "b1": dh.sum(axis=0), "W2": self.hidden.T @ d, "b2": d.sum(axis=0)}
