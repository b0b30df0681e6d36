# target: backward
# exit: 0
# says: RIGHT & cross-entropy
# Lists of weights and biases, of which the biases are only counted here; `layers` and `activations` are results of
# the forward pass, though they may be called as parameters are elsewhere.
import numpy as np


def forward(x, y, weights, biases):
    a, layers, activations = x, [], [x]
    for i in range(len(weights) - 1):
        z = a @ weights[i] + biases[i]
        a = np.tanh(z)
        layers.append(z)
        activations.append(a)
    z = a @ weights[-1] + biases[-1]
    e = np.exp(z - z.max(axis=1, keepdims=True))
    chances = e / e.sum(axis=1, keepdims=True)
    layers.append(z)
    activations.append(chances)
    loss = -np.mean(np.log(chances[np.arange(len(x)), y]))
    return chances, loss, layers, activations


def backward(x, y, weights, biases, layers, activations):
    delta = activations[-1].copy()
    delta[np.arange(len(x)), y] -= 1
    delta /= len(x)
    d_weights, d_biases = [None] * len(weights), [None] * len(biases)
    for i in reversed(range(len(weights))):
        d_weights[i] = activations[i].T @ delta
        d_biases[i] = delta.sum(axis=0, keepdims=True)
        if i:
            delta = (delta @ weights[i].T) * (1 - np.tanh(layers[i - 1]) ** 2)
    return d_weights, d_biases
