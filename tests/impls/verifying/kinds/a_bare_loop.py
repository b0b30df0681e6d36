# target:
# exit: 2
# says: Put one step of that loop|function
import numpy as np

inputs = np.array([[0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
targets = np.array([[1.0], [1.0], [0.0]])
weights = np.full((2, 1), 0.1)
for _ in range(200):
    guess = 1 / (1 + np.exp(-inputs @ weights))
    weights += 0.5 * inputs.T @ ((targets - guess) * guess * (1 - guess))
