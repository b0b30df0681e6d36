# target: Network
# exit: 1
# says: WRONG & slope
import numpy as np
from layers import Dense, Tanh


class Network:
    def __init__(self, n_in, n_hidden, n_out):
        self.layers = [Dense(n_in, n_hidden), Tanh(), Dense(n_hidden, n_out)]

    def forward(self, x):
        for layer in self.layers:
            x = layer.forward(x)
        return x

    def train(self, x, y, learning_rate=0.1):
        prediction = self.forward(x)
        grad = 2 * (prediction - y) / y.size
        for layer in reversed(self.layers):
            grad = layer.backward(grad, learning_rate)
        return np.mean((prediction - y) ** 2)
