# target: TinyNet
# exit: 2
# says: Cannot tell
import numpy as np


def logistic(t):
    return 1 / (1 + np.exp(-t))


def mse(wanted, got):
    return np.mean((wanted - got) ** 2)


class TinyNet:
    def __init__(self):
        rng = np.random.default_rng()
        self.w1, self.w2, self.w3, self.w4, self.w5, self.w6 = rng.normal(size=6).tolist()
        self.b1, self.b2, self.b3 = 0.0, 0.0, 0.0

    def forward(self, point):
        top = logistic(self.w1 * point[0] + self.w2 * point[1] + self.b1)
        low = logistic(self.w3 * point[0] + self.w4 * point[1] + self.b2)
        return logistic(self.w5 * top + self.w6 * low + self.b3)

    def train(self, points, wanted):
        rate, epochs = 0.2, 800
        for _ in range(epochs):
            for point, y in zip(points, wanted, strict=True):
                top = logistic(self.w1 * point[0] + self.w2 * point[1] + self.b1)
                low = logistic(self.w3 * point[0] + self.w4 * point[1] + self.b2)
                out = logistic(self.w5 * top + self.w6 * low + self.b3)
                d_out = -2 * (y - out) * out * (1 - out)
                d_top = d_out * self.w5 * top * (1 - top)
                d_low = d_out * self.w5 * low * (1 - low)
                self.w1 -= rate * d_top * point[0]
                self.w2 -= rate * d_top * point[1]
                self.b1 -= rate * d_top
                self.w3 -= rate * d_low * point[0]
                self.w4 -= rate * d_low * point[1]
                self.b2 -= rate * d_low
                self.w5 -= rate * d_out * top
                self.w6 -= rate * d_out * low
                self.b3 -= rate * d_out
