# target: train_model
# exit: 0
# says: sigmoid & RIGHT for 1/N·Σ\(a−y\)²
import numpy as np


def train_model(data, goals, params, n_iter=1000, alpha=0.1):
    beta, beta0 = params
    for _ in range(n_iter):
        out = 1 / (1 + np.exp(-(data.dot(beta) + beta0)))
        miss = 2 * (out - goals) / data.shape[0] * out * (1 - out)
        beta = beta - alpha * data.T.dot(miss)
        beta0 = beta0 - alpha * np.sum(miss, axis=0)
    return beta, beta0
