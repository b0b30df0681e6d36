# target: Classifier
# exit: 0
# says: RIGHT & cross-entropy
import numpy as np


def softmax(scores):
    e = np.exp(scores - scores.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


class Classifier:
    def __init__(self, features, hidden, classes):
        rng = np.random.default_rng(1)
        self.W1, self.b1 = rng.normal(size=(features, hidden)), np.zeros(hidden)
        self.W2, self.b2 = rng.normal(size=(hidden, classes)), np.zeros(classes)

    def forward(self, X):
        self.h = np.tanh(X @ self.W1 + self.b1)
        return softmax(self.h @ self.W2 + self.b2)

    def train_step(self, X, Y, lr=0.1):
        P = self.forward(X)
        loss = -np.sum(Y * np.log(P)) / len(X)
        dscores = (P - Y) / len(X)
        dhidden = dscores @ self.W2.T * (1 - self.h**2)
        self.W2 -= lr * self.h.T @ dscores
        self.b2 -= lr * dscores.sum(axis=0)
        self.W1 -= lr * X.T @ dhidden
        self.b1 -= lr * dhidden.sum(axis=0)
        return loss
