# target: step
# exit: 0
# says: RIGHT & weights_0_1 & updated after every row
"""A loop over rows in which the targets are counted first, and weights are called after the layers beside them."""

import numpy as np

rng = np.random.default_rng(6)
lamps = np.array([[1, 0, 1], [0, 1, 1], [0, 0, 1], [1, 1, 1]])
go = np.array([[1], [1], [0], [0]])
speed = 0.1
weights_0_1, weights_1_2 = rng.normal(size=(3, 4)), rng.normal(size=(4, 1))

for iteration in range(90):
    total = 0
    for n in range(len(go)):
        layer_0 = lamps[n : n + 1]
        layer_1 = np.tanh(layer_0 @ weights_0_1)
        layer_2 = layer_1 @ weights_1_2
        total += np.sum((layer_2 - go[n : n + 1]) ** 2)
        delta_2 = go[n : n + 1] - layer_2
        delta_1 = delta_2 @ weights_1_2.T * (1 - layer_1**2)
        weights_1_2 += speed * layer_1.T @ delta_2
        weights_0_1 += speed * layer_0.T @ delta_1
    if iteration % 10 == 9:
        print(total)
