# target: Line
# exit: 2
# says: ^(?!.*L2).*cannot tell
import numpy as np


class Line:
    def __init__(self, lr=0.01, epochs=2000):
        self.lr, self.epochs = lr, epochs

    def fit(self, x, y):
        self.w, self.b = np.zeros(len(x)), 0.0
        for _ in range(self.epochs):
            miss = x @ self.w + self.b - y
            self.w = self.w - self.lr * miss * 0.5 * x
            self.b = self.b - self.lr * miss
        return self
