# target: Classifier
# exit: 0
# says: RIGHT for the cross-entropy, averaged over the rows
import numpy as np


class Classifier:
    def __init__(self, input_size, hidden_size, output_size):
        self.params = {
            "W1": np.random.randn(input_size, hidden_size), "b1": np.zeros(hidden_size),
            "W2": np.random.randn(hidden_size, output_size), "b2": np.zeros(output_size),
        }  # fmt: skip

    def loss(self, X, labels=None):
        p = self.params
        hidden = np.maximum(X @ p["W1"] + p["b1"], 0)
        scores = hidden @ p["W2"] + p["b2"]
        if labels is None:
            return scores
        rows = np.arange(len(X))
        share = np.exp(scores - scores.max(axis=1, keepdims=True))
        share /= share.sum(axis=1, keepdims=True)
        value = -np.log(share[rows, labels]).mean()
        share[rows, labels] -= 1
        delta = share / len(X)
        below = delta @ p["W2"].T * (hidden > 0)
        return value, {"W1": X.T @ below, "b1": below.sum(0), "W2": hidden.T @ delta, "b2": delta.sum(0)}
