# target: Chain
# exit: 0
# says: 2-5-3, relu and identity & passes the ∂L/∂a
import numpy as np


class Full:
    def __init__(self, n, m):
        self.weight = np.random.randn(n + 1, m)

    def forward(self, x):
        self.rows = np.hstack([x, np.ones((len(x), 1))])
        return self.rows @ self.weight

    def backward(self, up):
        self.weight_grad = self.rows.T @ up
        return (up @ self.weight.T)[:, :-1]


class Cut:
    def forward(self, x):
        self.on = x > 0
        return x * self.on

    def backward(self, up):
        return up * self.on


class Chain:
    def __init__(self, layers):
        self.layers = layers

    def forward(self, x):
        for layer in self.layers:
            x = layer.forward(x)
        return x

    def backward(self, x):
        for layer in self.layers[::-1]:
            x = layer.backward(x)
        return x


def try_out():
    chain = Chain([Full(2, 5), Cut(), Full(5, 3)])
    return chain.backward(chain.forward(np.random.randn(8, 2)))
