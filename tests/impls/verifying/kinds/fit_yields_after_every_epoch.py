# target: Line
# exit: 0
# says: RIGHT & the mean
# fit is a generator, so that its caller can plot; a call alone does nothing.
import numpy as np


class Line:
    def fit(self, X, y, learning_rate=0.01, epochs=50):
        ones = np.ones((len(X), 1))
        X = np.hstack([ones, X])
        self.theta = np.random.rand(X.shape[1], 1)
        for _ in range(epochs):
            slope = X.T @ (X @ self.theta - y) / len(X)
            self.theta = self.theta - learning_rate * slope
            yield self.theta

    def predict(self, X):
        return np.hstack([np.ones((len(X), 1)), X]) @ self.theta
