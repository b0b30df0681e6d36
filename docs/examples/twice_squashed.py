"""The sigmoid's derivative is written for z, and called with a."""

import numpy as np


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def sigmoid_derivative(x):
    return sigmoid(x) * (1 - sigmoid(x))


class Brain:
    def __init__(self, input_nodes, hidden_nodes, output_nodes):
        self.weights_ih = np.random.randn(hidden_nodes, input_nodes)
        self.weights_ho = np.random.randn(output_nodes, hidden_nodes)
        self.bias_h = np.random.randn(hidden_nodes, 1)
        self.bias_o = np.random.randn(output_nodes, 1)
        self.lr = 0.1

    def feedforward(self, inputs):
        self.hidden = sigmoid(self.weights_ih @ inputs + self.bias_h)
        return sigmoid(self.weights_ho @ self.hidden + self.bias_o)

    def train(self, inputs, targets):
        outputs = self.feedforward(inputs)
        gradients = (targets - outputs) * sigmoid_derivative(outputs) * self.lr
        hidden_errors = self.weights_ho.T @ ((targets - outputs) * sigmoid_derivative(outputs))
        hidden_gradients = hidden_errors * sigmoid_derivative(self.hidden) * self.lr
        self.weights_ho += gradients @ self.hidden.T
        self.bias_o += gradients.sum(axis=1, keepdims=True)
        self.weights_ih += hidden_gradients @ inputs.T
        self.bias_h += hidden_gradients.sum(axis=1, keepdims=True)
