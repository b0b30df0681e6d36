# target: step
# exit: 0
# says: cross-entropy, summed & one step of lines 13 to 18
import numpy as np

flowers = np.random.default_rng(0).random((30, 4))
kinds = np.arange(30) % 3
design = np.insert(flowers, 0, 1.0, 1)
chosen = np.equal(np.arange(3), kinds[:, None])
param = np.zeros((5, 3))
best = 1e9

for _ in range(1000):
    scores = np.exp(design @ param)
    shares = scores / scores.sum(1, keepdims=True)
    loss = -np.sum(chosen * np.log(shares))
    param -= 0.001 * design.T @ (shares - chosen)
    best = min(best, loss)
