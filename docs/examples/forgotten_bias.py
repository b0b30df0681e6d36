"""A class that trains in place, as most tutorials have it."""

import numpy as np


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


class NeuralNetwork:
    def __init__(self, seed=1):
        rng = np.random.default_rng(seed)
        self.weights1 = rng.normal(size=(2, 4))
        self.bias1 = np.zeros((1, 4))
        self.weights2 = rng.normal(size=(4, 1))
        self.bias2 = np.zeros((1, 1))

    def forward(self, x):
        self.hidden = sigmoid(x @ self.weights1 + self.bias1)
        self.output = sigmoid(self.hidden @ self.weights2 + self.bias2)
        return self.output

    def train(self, x, y, lr=0.5, epochs=10000):
        for _ in range(epochs):
            output = self.forward(x)
            output_delta = (y - output) * output * (1 - output)
            hidden_delta = output_delta @ self.weights2.T * self.hidden * (1 - self.hidden)
            self.weights2 += lr * self.hidden.T @ output_delta
            self.bias2 += lr * output_delta.sum(axis=0, keepdims=True)
            self.weights1 += lr * x.T @ hidden_delta


if __name__ == "__main__":
    X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
    Y = np.array([[0], [1], [1], [0]])
    network = NeuralNetwork()
    network.train(X, Y)
    print(network.forward(X).round(3))
