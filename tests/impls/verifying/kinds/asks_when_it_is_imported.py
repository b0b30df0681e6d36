# target:
# exit: 0
# says: RIGHT for
import numpy as np


class Unit:
    def __init__(self):
        self.weights = np.random.random((3, 1))

    def think(self, inputs):
        return 1 / (1 + np.exp(-inputs @ self.weights))

    def train(self, inputs, outputs, iterations):
        for _ in range(iterations):
            out = self.think(inputs)
            self.weights += inputs.T @ ((outputs - out) * out * (1 - out))


print(Unit().think(np.array([float(input("one: ")), 0.0, 1.0])))
