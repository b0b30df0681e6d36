# target: Ridge
# exit: 0
# says: RIGHT & (penalty|decay)
import numpy as np


class Ridge:
    def __init__(self, n_features, n_targets, strength=0.05):
        self.coef_ = np.random.default_rng(3).normal(size=(n_features, n_targets))
        self.intercept_ = np.zeros(n_targets)
        self.strength = strength

    def predict(self, X):
        return X @ self.coef_ + self.intercept_

    def partial_fit(self, X, y, eta=0.01):
        miss = self.predict(X) - y
        self.coef_ -= eta * (X.T @ miss / len(X) + self.strength * self.coef_)
        self.intercept_ -= eta * miss.mean(axis=0)
