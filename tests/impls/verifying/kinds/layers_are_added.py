# target: Chain
# exit: 0
# says: sigmoid and identity & RIGHT for ½·Σ\(a−y\)²
import numpy as np


class Affine:
    def __init__(self, n, m):
        self.weights, self.offset = np.random.randn(n, m), np.zeros(m)

    def ahead(self, x):
        self.x = x
        return x @ self.weights + self.offset

    def back(self, up, lr):
        down = up @ self.weights.T
        self.weights -= lr * self.x.T @ up
        self.offset -= lr * up.sum(axis=0)
        return down


class Squash:
    def ahead(self, x):
        self.a = 1 / (1 + np.exp(-x))
        return self.a

    def back(self, up, lr):
        return up * self.a * (1 - self.a)


class Chain:
    def __init__(self):
        self.layers = []

    def add(self, layer):
        self.layers.append(layer)

    def predict(self, x):
        for layer in self.layers:
            x = layer.ahead(x)
        return x

    def fit(self, x, y, epochs, lr):
        for _ in range(epochs):
            up = self.predict(x) - y
            for layer in reversed(self.layers):
                up = layer.back(up, lr)


chain = Chain()
chain.add(Affine(3, 5))
chain.add(Squash())
chain.add(Affine(5, 2))
