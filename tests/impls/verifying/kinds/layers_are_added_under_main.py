# target: Pile
# exit: 0
# says: 3-4-2, tanh and tanh & RIGHT for ½·Σ\(a−y\)²
import numpy as np


class Sheet:
    def __init__(self, wide, high):
        self.W, self.b = np.random.randn(wide, high), np.random.randn(high)

    def run(self, x):
        self.x = x
        self.a = np.tanh(x @ self.W + self.b)
        return self.a

    def learn(self, up, lr):
        d = up * (1 - self.a**2)
        down = d @ self.W.T
        self.W -= lr * self.x.T @ d
        self.b -= lr * d.sum(axis=0)
        return down


class Pile:
    def __init__(self, layers=None, lr=0.01):
        self.layers, self.lr = layers or [], lr

    def add(self, sheet):
        self.layers.append(sheet)

    def predict(self, x):
        for sheet in self.layers:
            x = sheet.run(x)
        return x

    def train(self, x, y, epochs=1):
        for _ in range(epochs):
            up = self.predict(x) - y
            for sheet in reversed(self.layers):
                up = sheet.learn(up, self.lr)


def main():
    rows = np.random.randn(30, 3)
    pile = Pile()
    pile.add(Sheet(rows.shape[1], 4))
    pile.add(Sheet(4, 2))
    pile.train(rows, np.tanh(rows[:, :2]), epochs=500)


if __name__ == "__main__":
    main()
