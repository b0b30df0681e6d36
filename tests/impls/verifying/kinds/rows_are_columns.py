# target: Net.train
# exit: 0
# says: RIGHT for & after every row
import numpy as np


class Net:
    def __init__(self, sizes):
        self.weights = [np.random.randn(sizes[i + 1], sizes[i]) for i in range(len(sizes) - 1)]
        self.biases = [np.random.randn(m, 1) for m in sizes[1:]]

    def train(self, labels, data_set, rate, epoch):
        for _ in range(epoch):
            for label, sample in zip(labels, data_set):
                outs = [sample]
                for w, b in zip(self.weights, self.biases):
                    if outs[-1].shape[1] != 1:
                        raise ValueError("one column at a time")
                    outs.append(np.tanh(w @ outs[-1] + b))
                delta = (outs[-1] - label) * (1 - outs[-1] ** 2)
                for i in reversed(range(len(self.weights))):
                    back = self.weights[i].T @ delta * (1 - outs[i] ** 2)
                    self.weights[i] -= rate * delta @ outs[i].T
                    self.biases[i] -= rate * delta
                    delta = back
