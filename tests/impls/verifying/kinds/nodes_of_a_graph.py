# target: step
# exit: 0
# says: RIGHT for 1/N·Σ\(a−y\)², the mean squared error & W_ & one step of lines 52 to 54
"""A graph of nodes that is gone through forwards and backwards once; the gradients of all that is put in come out."""

import numpy as np


def make(forward, *before):
    node = {"before": before, "forward": forward, "value": None, "gradient": None}
    return node


def run(order, values):
    for node, value in values:
        node["value"] = value
    for node in order:
        node["gradient"] = 0.0
        if node["forward"]:
            node["value"], node["backward"] = node["forward"](*(b["value"] for b in node["before"]))
    order[-1]["gradient"] = 1.0
    for node in order[::-1]:
        if node["forward"]:
            for before, part in zip(node["before"], node["backward"](node["gradient"]), strict=True):
                before["gradient"] = before["gradient"] + part


def linear(x, w, b):
    return x @ w + b, lambda g: (g @ w.T, x.T @ g, g.sum(axis=0))


def squash(z):
    a = 1 / (1 + np.exp(-z))
    return a, lambda g: (g * a * (1 - a),)


def mean_square(y, a):
    miss = y.reshape(-1, 1) - a.reshape(-1, 1)
    slope = 2 / len(miss) * miss
    return np.mean(miss**2), lambda g: (g * slope, -g * slope)


X, W, b, y = make(None), make(None), make(None), make(None)
z = make(linear, X, W, b)
a = make(squash, z)
cost = make(mean_square, y, a)

X_ = np.array([[-1.0, -2.0], [-1.0, 2.0]])
W_ = np.array([[2.0], [3.0]])
b_ = np.array([-3.0])
y_ = np.array([[0.0], [1.0]])
given = [(X, X_), (W, W_), (b, b_), (y, y_)]
run([X, W, b, y, z, a, cost], given)
gradients = [node["gradient"] for node in (X, y, W, b)]
print(gradients)
