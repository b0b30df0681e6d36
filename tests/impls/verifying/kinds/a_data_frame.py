# target: fit_table
# needs: pandas
# exit: 0
# says: RIGHT & mean binary cross-entropy & 4×1
"""Logistic regression on a table of pandas, of which one column is named as the target."""

import numpy as np
import pandas as pd  # noqa: F401


def fit_table(df, target, rounds=100, alpha=0.01):
    X = df.drop(columns=target).to_numpy()
    t = df[target].to_numpy()
    w, b = np.zeros(X.shape[1]), 0.0
    for _ in range(rounds):
        p = 1 / (1 + np.exp(-(X @ w + b)))
        w = w - alpha * X.T @ (p - t) / len(t)
        b = b - alpha * np.mean(p - t)
    return w, b
