"""Global weights and a training function, in one script; the output delta is that of another loss."""

import numpy as np

X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], dtype=float)
y = np.array([[0], [1], [1], [0]], dtype=float)
lr = 0.1

wh = np.random.uniform(size=(2, 4))
bh = np.random.uniform(size=(1, 4))
wout = np.random.uniform(size=(4, 1))
bout = np.random.uniform(size=(1, 1))


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def train_step():
    global wh, bh, wout, bout
    hidden = sigmoid(np.dot(X, wh) + bh)
    output = sigmoid(np.dot(hidden, wout) + bout)
    loss = np.mean((y - output) ** 2)
    d_output = y - output
    d_hidden = d_output.dot(wout.T) * hidden * (1 - hidden)
    wout = wout + hidden.T.dot(d_output) * lr
    bout = bout + np.sum(d_output, axis=0, keepdims=True) * lr
    wh = wh + X.T.dot(d_hidden) * lr
    bh = bh + np.sum(d_hidden, axis=0, keepdims=True) * lr
    return loss
