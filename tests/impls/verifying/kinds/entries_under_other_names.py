# target: backward
# exit: 0
# says: RIGHT for ½·1/\(N·k\)·Σ\(a−y\)²
import numpy as np


def forward(rows, params):
    U = params["U"]
    b = params["b"]
    V = params["V"]
    c = params["c"]
    inner = np.maximum(0, np.dot(rows, U) + b)
    out = np.dot(inner, V) + c
    return out, {"inner": inner, "out": out}


def backward(params, cache, rows, targets):
    V = params["V"]
    miss = (cache["out"] - targets) / targets.size
    below = np.dot(miss, V.T) * (cache["inner"] > 0)
    return {
        "U_gradient": np.dot(rows.T, below),
        "b_gradient": below.sum(axis=0),
        "V_gradient": np.dot(cache["inner"].T, miss),
        "c_gradient": miss.sum(axis=0),
    }
