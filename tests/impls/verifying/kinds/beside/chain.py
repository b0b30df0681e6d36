# target: Chain
# exit: 0
# says: 3-4-2, tanh and tanh & RIGHT for ½·Σ\(a−y\)² & links\[0\].W
"""Links are added by another file, and the training takes inputs and targets as one pair."""

import numpy as np


class Link:
    def __init__(self, units):
        self.units = units

    def join(self, inputs):
        self.W, self.b = np.random.randn(inputs, self.units), np.zeros(self.units)

    def forward(self, x):
        self.x = x
        self.a = np.tanh(x @ self.W + self.b)
        return self.a

    def backward(self, up, rate):
        d = up * (1 - self.a**2)
        down = d @ self.W.T
        self.W -= rate * self.x.T @ d
        self.b -= rate * d.sum(axis=0)
        return down


class Chain:
    def __init__(self, n_inputs):
        self.width, self.links = n_inputs, []

    def add(self, link):
        link.join(self.width)
        self.width = link.units
        self.links.append(link)

    def fit(self, training_data, held_back=None, epochs=1, rate=0.1, cost=None):
        if cost != "half":
            raise ValueError(f"no cost called {cost}")
        xs, ts = training_data
        for _ in range(epochs):
            a = xs
            for link in self.links:
                a = link.forward(a)
            up = a - ts
            for link in reversed(self.links):
                up = link.backward(up, rate)
