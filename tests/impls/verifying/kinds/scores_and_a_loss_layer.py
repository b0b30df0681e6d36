# target: Net
# exit: 0
# says: RIGHT for the cross-entropy, averaged over the rows
import numpy as np


class Linear:
    def __init__(self, W, b):
        self.W, self.b = W, b

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, up):
        self.dW, self.db = self.x.T @ up, up.sum(axis=0)
        return up @ self.W.T


class SoftmaxLoss:
    def forward(self, scores, labels):
        share = np.exp(scores - scores.max(axis=1, keepdims=True))
        self.share, self.labels = share / share.sum(axis=1, keepdims=True), labels
        return -np.log(self.share[np.arange(len(labels)), labels] + 1e-7).mean()

    def backward(self):
        up = self.share.copy()
        up[np.arange(len(up)), self.labels] -= 1
        return up / len(up)


class Net:
    def __init__(self, input_size, hidden_size, output_size):
        self.params = {"W1": np.random.randn(input_size, hidden_size), "b1": np.zeros(hidden_size)}
        self.params |= {"W2": np.random.randn(hidden_size, output_size), "b2": np.zeros(output_size)}
        self.first = Linear(self.params["W1"], self.params["b1"])
        self.second = Linear(self.params["W2"], self.params["b2"])
        self.last = SoftmaxLoss()

    def predict(self, x):
        self.hidden = np.tanh(self.first.forward(x))
        return self.second.forward(self.hidden)

    def gradient(self, x, t):
        self.last.forward(self.predict(x), t)
        self.first.backward(self.second.backward(self.last.backward()) * (1 - self.hidden**2))
        return {"W1": self.first.dW, "b1": self.first.db, "W2": self.second.dW, "b2": self.second.db}
