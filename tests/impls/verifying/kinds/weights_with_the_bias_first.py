# target: Adaline
# exit: 0
# says: RIGHT
import numpy as np


class Adaline:
    def __init__(self, eta=0.01, n_iter=50):
        self.eta = eta
        self.n_iter = n_iter

    def fit(self, X, y):
        self.w_ = np.random.RandomState(1).normal(0.0, 0.01, 1 + X.shape[1])
        for _ in range(self.n_iter):
            errors = y - self.net_input(X)
            self.w_[1:] += self.eta * X.T.dot(errors)
            self.w_[0] += self.eta * errors.sum()
        return self

    def net_input(self, X):
        return X.dot(self.w_[1:]) + self.w_[0]
