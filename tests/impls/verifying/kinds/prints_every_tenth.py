# target: train
# exit: 0
# says: RIGHT
# awaits: later steps of a function that returns new weights; what is read today is the old ones, which never move
import numpy as np


def train(X, Y, W, b, epochs=100, lr=0.1):
    for epoch in range(epochs):
        miss = X @ W + b - Y
        W = W - lr * X.T @ miss / len(X)
        b = b - lr * miss.mean(axis=0)
        if epoch % (epochs // 10) == 0:
            print(f"epoch {epoch}: cost {np.mean(miss**2):.6f}")
    return W, b
