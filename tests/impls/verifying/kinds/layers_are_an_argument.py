# target: Chain
# exit: 0
# says: tanh and identity & RIGHT for 1/N·Σ\(a−y\)²
import numpy as np


class Affine:
    def __init__(self, n, m):
        self.W, self.b = np.random.randn(n, m), np.zeros(m)

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, up, lr):
        down = up @ self.W.T
        self.W -= lr * self.x.T @ up
        self.b -= lr * up.sum(axis=0)
        return down


class Squash:
    def forward(self, x):
        self.a = np.tanh(x)
        return self.a

    def backward(self, up, lr):
        return up * (1 - self.a**2)


class Chain:
    def __init__(self, parts):
        self.parts = parts

    def forward(self, x):
        for part in self.parts:
            x = part.forward(x)
        return x

    def train(self, x, y, epochs, lr):
        for _ in range(epochs):
            up = 2 * (self.forward(x) - y) / len(x)
            for part in self.parts[::-1]:
                up = part.backward(up, lr)


def main():
    Chain([Affine(2, 4), Squash(), Affine(4, 1)]).train(np.eye(2), np.ones((2, 1)), 500, 0.1)
