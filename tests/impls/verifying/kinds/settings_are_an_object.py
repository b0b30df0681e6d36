# target: Ridge
# exit: 0
# says: RIGHT & L2 penalty & 4×1
"""The constructor takes one object that holds all settings."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass
class Settings:
    rounds: int = 100
    learning_rate: float = 0.1
    strength: float = 0.5


class Ridge:
    def __init__(self, settings: Settings):
        self.epochs, self.lr, self.strength = settings.rounds, settings.learning_rate, settings.strength

    def fit(self, X, y):
        self.w, self.b = np.zeros(X.shape[1]), 0.0
        for _ in range(self.epochs):
            e = X @ self.w + self.b - y
            self.w = self.w - self.lr * (X.T @ e / len(y) + self.strength * self.w)
            self.b = self.b - self.lr * e.mean()
