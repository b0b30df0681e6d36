# target: Brain
# exit: 0
# says: RIGHT
import numpy as np


class Brain:
    def __init__(self):
        np.random.seed(1)
        self.synaptic_weights = 2 * np.random.random((3, 1)) - 1

    def think(self, inputs):
        return 1 / (1 + np.exp(-(inputs @ self.synaptic_weights)))

    def train(self, training_inputs, training_outputs, iterations):
        for _ in range(iterations):
            output = self.think(training_inputs)
            error = training_outputs - output
            self.synaptic_weights += training_inputs.T @ (error * output * (1 - output))
