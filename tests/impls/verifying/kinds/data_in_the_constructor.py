# target: NeuralNetwork
# exit: 1
# says: WRONG & slope
import numpy as np


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


class NeuralNetwork:
    def __init__(self, x, y):
        self.input = x
        self.weights1 = np.random.rand(self.input.shape[1], 4)
        self.weights2 = np.random.rand(4, 1)
        self.y = y
        self.output = np.zeros(self.y.shape)

    def feedforward(self):
        self.layer1 = sigmoid(self.input @ self.weights1)
        self.output = sigmoid(self.layer1 @ self.weights2)

    def backprop(self):
        delta = 2 * (self.y - self.output) * self.output * (1 - self.output)
        d_weights2 = self.layer1.T @ delta
        d_weights1 = self.input.T @ (delta @ self.weights2.T)  # the slip: the hidden slope is forgotten
        self.weights1 += d_weights1
        self.weights2 += d_weights2
