# target: Net
# exit: 0
# says: tanh and sigmoid & RIGHT
import itertools

import numpy as np

SHAPES = {"sigmoid": lambda z: 1 / (1 + np.exp(-z)), "tanh": np.tanh}
SLOPES = {"sigmoid": lambda a: a * (1 - a), "tanh": lambda a: 1 - a * a}


class Net:
    def __init__(self, layers, flavours):
        self.weights = [np.random.randn(n, m) for n, m in itertools.pairwise(layers)]
        self.biases = [np.zeros(m) for m in layers[1:]]
        self.flavours = flavours

    def forward(self, x):
        self.a = [x]
        for W, b, flavour in zip(self.weights, self.biases, self.flavours):
            self.a.append(SHAPES[flavour](self.a[-1] @ W + b))
        return self.a[-1]

    def backward(self, x, y):
        up = self.forward(x) - y
        dW, db = [], []
        for W, a, below, flavour in zip(self.weights[::-1], self.a[:0:-1], self.a[-2::-1], self.flavours[::-1]):
            delta = up * SLOPES[flavour](a)
            dW.insert(0, below.T @ delta)
            db.insert(0, delta.sum(axis=0))
            up = delta @ W.T
        return dW, db


if __name__ == "__main__":
    print(Net([2, 4, 1], ["tanh", "sigmoid"]).forward(np.eye(2)))
