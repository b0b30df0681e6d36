# target: train_model
# exit: 1
# says: slope & z where it needs a
# Data and weights are globals, and the weights' names tell nothing: the way that works is not the first one tried.
import numpy as np

training_inputs = np.random.rand(8, 2)
labels = np.random.rand(8, 1)
V = np.random.default_rng(2).normal(size=(2, 4))
bv = np.zeros(4)
W = np.random.default_rng(3).normal(size=(4, 1))
bw = np.zeros(1)


def train_model(rate=0.02):
    global V, bv, W, bw
    pre = training_inputs.dot(V) + bv
    post = np.tanh(pre)
    out = 1 / (1 + np.exp(-(post.dot(W) + bw)))
    d2 = (out - labels) * out * (1 - out)
    d1 = d2.dot(W.T) * (1 - pre**2)
    W -= rate * post.T.dot(d2)
    bw -= rate * d2.sum(axis=0)
    V -= rate * training_inputs.T.dot(d1)
    bv -= rate * d1.sum(axis=0)
