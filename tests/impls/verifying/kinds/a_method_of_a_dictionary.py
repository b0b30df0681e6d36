# target: Model.gradients
# exit: 1
# says: WRONG
import numpy as np


class Model:
    def gradients(self, params, X, Y):
        w1, b1, w2, b2 = params["w1"], params["b1"], params["w2"], params["b2"]
        h = np.tanh(X @ w1 + b1)
        miss = 2 * (h @ w2 + b2 - Y) / Y.size
        below = miss @ w2.T * (1 - h)
        return {"dw1": X.T @ below, "db1": below.sum(axis=0), "dw2": h.T @ miss, "db2": miss.sum(axis=0)}
