# target: build
# exit: 0
# says: RIGHT
import numpy as np


class Config:
    nn_input_dim = 2
    nn_output_dim = 2
    learning_rate = 0.01


def build(X, y, nn_hdim, num_passes=20000):
    rng = np.random.default_rng()
    W1 = rng.normal(size=(Config.nn_input_dim, nn_hdim))
    b1 = np.zeros((1, nn_hdim))
    W2 = rng.normal(size=(nn_hdim, Config.nn_output_dim))
    b2 = np.zeros((1, Config.nn_output_dim))
    for _ in range(num_passes):
        h = np.tanh(X @ W1 + b1)
        scores = np.exp(h @ W2 + b2)
        delta = scores / scores.sum(axis=1, keepdims=True)
        delta[range(len(X)), y] -= 1
        inner = (delta @ W2.T) * (1 - h**2)
        W2 = W2 - Config.learning_rate * h.T @ delta
        b2 = b2 - Config.learning_rate * delta.sum(axis=0, keepdims=True)
        W1 = W1 - Config.learning_rate * X.T @ inner
        b1 = b1 - Config.learning_rate * inner.sum(axis=0, keepdims=True)
    return {"W1": W1, "b1": b1, "W2": W2, "b2": b2}
