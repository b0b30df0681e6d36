# target: Machine
# exit: 0
# says: RIGHT
import numpy as np


class Machine:
    def __init__(self, nx, nodes, out):
        rng = np.random.default_rng(5)
        self.u, self.w = rng.normal(size=(nx, nodes)), rng.normal(size=(nodes, out))

    def predict(self, X):
        self.h = np.tanh(X @ self.u)
        return self.h @ self.w

    def learn(self, X, Y, eta):
        miss = self.predict(X) - Y
        below = miss @ self.w.T * (1 - self.h**2)
        self.w -= eta * self.h.T @ miss
        self.u -= eta * X.T @ below
