# target: network
# exit: 0
# says: RIGHT
import numpy as np


class Dense:
    def __init__(self, inputs, units):
        rng = np.random.default_rng(units)
        self.weights, self.biases = rng.normal(size=(inputs, units)), np.zeros(units)

    def forward(self, x):
        self.x = x
        return x @ self.weights + self.biases

    def backward(self, grad, learning_rate):
        below = grad @ self.weights.T
        self.weights -= learning_rate * self.x.T @ grad
        self.biases -= learning_rate * grad.sum(axis=0)
        return below


class Sigmoid:
    def forward(self, x):
        self.out = 1 / (1 + np.exp(-x))
        return self.out

    def backward(self, grad, learning_rate):
        return grad * self.out * (1 - self.out)


network = [Dense(3, 5), Sigmoid(), Dense(5, 2), Sigmoid()]
