# target: Network
# exit: 1
# says: WRONG & bias
import math
import random


class Neuron:
    def __init__(self, count):
        self.weights = [random.uniform(-1, 1) for _ in range(count)]
        self.bias = random.uniform(-1, 1)

    def fire(self, inputs):
        self.inputs = inputs
        total = sum(w * x for w, x in zip(self.weights, inputs, strict=True)) + self.bias
        self.output = 1 / (1 + math.exp(-total))
        return self.output


class Network:
    def __init__(self, inputs_count, hidden_count, outputs_count):
        self.hidden = [Neuron(inputs_count) for _ in range(hidden_count)]
        self.outer = [Neuron(hidden_count) for _ in range(outputs_count)]

    def feed_forward(self, inputs):
        middle = [neuron.fire(inputs) for neuron in self.hidden]
        return [neuron.fire(middle) for neuron in self.outer]

    def train(self, inputs, targets, rate=0.5):
        self.feed_forward(inputs)
        outer = [(n.output - t) * n.output * (1 - n.output) for n, t in zip(self.outer, targets, strict=True)]
        inner = [
            sum(d * n.weights[j] for d, n in zip(outer, self.outer, strict=True)) * h.output * (1 - h.output)
            for j, h in enumerate(self.hidden)
        ]
        for neurons, deltas in ((self.outer, outer), (self.hidden, inner)):
            for neuron, delta in zip(neurons, deltas, strict=True):
                neuron.weights = [w - rate * delta * x for w, x in zip(neuron.weights, neuron.inputs, strict=True)]
                neuron.bias -= rate * delta * (neurons is self.outer)  # the slip: only the outer ones
