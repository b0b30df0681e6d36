# target: LinearRegression
# exit: 1
# says: WRONG & bias
import numpy as np


class LinearRegression:
    def __init__(self, lr=0.01, epochs=500):
        self.lr, self.epochs = lr, epochs

    def fit(self, X, y):
        self.w = np.zeros(X.shape[1])
        self.b = 0.0
        for _ in range(self.epochs):
            error = X @ self.w - y  # the slip: without the bias
            self.w -= self.lr * 2 * X.T @ error / len(y)
            self.b -= self.lr * 2 * error.mean()

    def predict(self, X):
        return X @ self.w + self.b
