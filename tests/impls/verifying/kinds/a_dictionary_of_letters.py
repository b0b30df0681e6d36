# target: backward
# exit: 0
# says: RIGHT
import numpy as np


def make(n, m, k):
    return {"V": np.random.randn(n, m), "bv": np.zeros(m), "U": np.random.randn(m, k), "bu": np.zeros(k)}


def forward(x, params):
    h = np.tanh(x @ params["V"] + params["bv"])
    return h @ params["U"] + params["bu"], h


def backward(params, cache, x, y):
    out, h = forward(x, params)
    miss = out - y
    below = miss @ params["U"].T * (1 - h**2)
    return {"V_grad": x.T @ below, "bv_grad": below.sum(axis=0), "U_grad": h.T @ miss, "bu_grad": miss.sum(axis=0)}
