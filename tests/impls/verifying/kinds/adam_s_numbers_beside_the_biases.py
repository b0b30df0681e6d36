# target: Net
# exit: 0
# says: RIGHT for
import numpy as np


class Net:
    def __init__(self, n_in, n_hidden, n_out, lr=0.01, beta=0.9, beta2=0.999):
        self.lr, self.beta, self.beta2 = lr, beta, beta2
        self.W1, self.b1 = np.ones((n_hidden, n_in)), np.zeros((n_hidden, 1))
        self.W2, self.b2 = np.ones((n_out, n_hidden)), np.zeros((n_out, 1))
        self.vdW1, self.vdb1 = np.zeros_like(self.W1), np.zeros_like(self.b1)
        self.vdW2, self.vdb2 = np.zeros_like(self.W2), np.zeros_like(self.b2)
        self.sdW1, self.sdb1 = np.zeros_like(self.W1), np.zeros_like(self.b1)
        self.sdW2, self.sdb2 = np.zeros_like(self.W2), np.zeros_like(self.b2)

    def forward(self, X):
        self.Z1 = self.W1 @ X + self.b1
        self.A1 = np.maximum(0, self.Z1)
        self.Z2 = self.W2 @ self.A1 + self.b2
        return self.Z2

    def backward(self, X, Y):
        d2 = (self.Z2 - Y) / X.shape[1]
        d1 = (self.W2.T @ d2) * (self.Z1 > 0)
        self.W1 -= self.lr * d1 @ X.T
        self.b1 -= self.lr * d1.sum(axis=1, keepdims=True)
        self.W2 -= self.lr * d2 @ self.A1.T
        self.b2 -= self.lr * d2.sum(axis=1, keepdims=True)
