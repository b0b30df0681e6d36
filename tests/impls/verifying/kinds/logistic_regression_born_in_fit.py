# target: LogisticRegression
# exit: 0
# says: RIGHT & cross-entropy
import numpy as np


class LogisticRegression:
    def __init__(self, learning_rate=0.01, n_iterations=1000):
        self.learning_rate = learning_rate
        self.n_iterations = n_iterations

    def fit(self, X, y):
        rows, columns = X.shape
        self.weights = np.zeros(columns)
        self.bias = 0
        for _ in range(self.n_iterations):
            probability = 1 / (1 + np.exp(-(X.dot(self.weights) + self.bias)))
            self.weights -= self.learning_rate * X.T.dot(probability - y) / rows
            self.bias -= self.learning_rate * np.sum(probability - y) / rows

    def predict_proba(self, X):
        return 1 / (1 + np.exp(-(X.dot(self.weights) + self.bias)))
