# target: gradients
# exit: 0
# says: tanh & RIGHT for ½·1/\(N·k\)·Σ\(a−y\)²
import numpy as np


def gradients(x, y, alpha, alpha0, beta, beta0):
    h = np.tanh(x @ alpha + alpha0)
    miss = (h @ beta + beta0 - y) / y.size
    below = miss @ beta.T * (1 - h**2)
    dalpha, dalpha0 = x.T @ below, below.sum(axis=0)
    dbeta, dbeta0 = h.T @ miss, miss.sum(axis=0)
    return {"dalpha": dalpha, "dalpha0": dalpha0, "dbeta": dbeta, "dbeta0": dbeta0}
