# target: step
# exit: 0
# says: sigmoid and sigmoid & L2 penalty on the weights & RIGHT
import numpy as np

rate = 0.1
first, b_first = np.random.randn(4, 5), np.zeros(5)


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def step(X, Y, W1, b1, W2, b2):
    hidden = sigmoid(X @ W1 + b1)
    out = sigmoid(hidden @ W2 + b2)
    d2 = (out - Y) * out * (1 - out)
    d1 = d2 @ W2.T * hidden * (1 - hidden)
    rate = 0.2
    W2 -= rate * (hidden.T @ d2 + 0.0002 * W2)
    b2 -= rate * d2.sum(axis=0)
    W1 -= rate * (X.T @ d1 + 0.0002 * W1)
    b1 -= rate * d1.sum(axis=0)
    return W1, b1, W2, b2
