# target: Line.run
# exit: 2
# says: ^(?!.*L2).*cannot tell
import numpy as np


class Line:
    def __init__(self, lr=0.01, times=2000):
        self.lr, self.times = lr, times

    def descend(self, y, x):
        for _ in range(self.times):
            miss = self.w.T @ x + self.c - y
            self.w = self.w - self.lr * 2 / x.shape[1] * x @ miss.T
            self.c = self.c - self.lr * 2 / x.shape[1] * np.sum(miss)

    def run(self, y, x):
        self.w, self.c = np.zeros((x.shape[0], 1)), 0
        self.descend(y, x)
        return self.w, self.c
