# target: step
# exit: 0
# says: RIGHT & cross-entropy, averaged over the rows & 4×5 & 5×3
"""A loop at the top level that uses one-hot rows, beside the class numbers of which they are made."""

import numpy as np

X = np.array([[0.1, 0.9, 0.3], [0.7, 0.2, 0.4], [0.5, 0.5, 0.8], [0.9, 0.1, 0.2]])
y = np.array([0, 1, 1, 2])
rows = np.eye(3)[y]
rng = np.random.default_rng(2)
A, B = rng.normal(size=(3, 6)), rng.normal(size=(6, 3))

for _ in range(300):
    h = np.tanh(X @ A)
    s = np.exp(h @ B)
    p = s / s.sum(axis=1, keepdims=True)
    d = (p - rows) / len(X)
    e = (d @ B.T) * (1 - h**2)
    B -= 0.5 * h.T @ d
    A -= 0.5 * X.T @ e
