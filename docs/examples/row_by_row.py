"""Stochastic gradient descent: the weights move after every row."""

import numpy as np


class MLP:
    def __init__(self, n_inputs, n_hidden, n_outputs, learning_rate=0.1):
        self.w_ih = np.random.uniform(-1, 1, (n_inputs, n_hidden))
        self.b_h = np.zeros(n_hidden)
        self.w_ho = np.random.uniform(-1, 1, (n_hidden, n_outputs))
        self.b_o = np.zeros(n_outputs)
        self.learning_rate = learning_rate

    def predict(self, x):
        self.h = 1 / (1 + np.exp(-(x @ self.w_ih + self.b_h)))
        return 1 / (1 + np.exp(-(self.h @ self.w_ho + self.b_o)))

    def fit(self, X, y, epochs=1000):
        for _ in range(epochs):
            for row, target in zip(X, y):
                out = self.predict(row)
                d_out = (out - target) * out * (1 - out)
                d_hidden = (self.w_ho @ d_out) * self.h * (1 - self.h)
                self.w_ho -= self.learning_rate * np.outer(self.h, d_out)
                self.b_o -= self.learning_rate * d_out
                self.w_ih -= self.learning_rate * np.outer(row, d_hidden)
                self.b_h -= self.learning_rate * d_hidden
