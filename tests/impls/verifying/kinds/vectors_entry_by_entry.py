# target: Logistic
# exit: 0
# says: RIGHT & mean binary cross-entropy
# Weights and predictions are vectors, and the gradient is summed entry by entry: targets of shape (N, 1) would be
# broadcast without an error, but they are meant to be of shape (N,).
import numpy as np


class Logistic:
    def __init__(self, learning_rate=0.5, _lambda=0, max_iter=10000):
        self.learning_rate = learning_rate
        self._lambda = _lambda
        self.max_iter = max_iter
        self.w = None
        self.b = None

    def fit(self, X, y):
        self.w = np.zeros(X.shape[1])
        self.b = 0
        for _ in range(self.max_iter):
            error = self.predict_proba(X) - y
            for j in range(X.shape[1]):
                d_w = np.mean(error * X[:, j]) + self._lambda / len(y) * self.w[j]
                self.w[j] -= self.learning_rate * d_w
            self.b -= self.learning_rate * np.mean(error)

    def predict_proba(self, X):
        return 1 / (1 + np.exp(-(X.dot(self.w) + self.b)))

    def predict(self, X):
        return (self.predict_proba(X) >= 0.5).astype(int)
