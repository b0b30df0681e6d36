# target: by_descent
# exit: 0
# says: RIGHT & ½ & coef\[0\] & 4×1 & updated after every row
"""Rows of a table whose last entry is the target; the weights are made inside, beside an example of the same name."""

from math import exp


def guess(row, coef):
    z = coef[0]
    for i in range(len(row) - 1):
        z += coef[i + 1] * row[i]
    return 1.0 / (1.0 + exp(-z))


coef = [-0.4, 0.85, -1.1]
print(guess([2.78, 2.55, 0], coef))


def by_descent(train, l_rate, n_epoch):
    coef = [0.0 for _ in train[0]]
    for _ in range(n_epoch):
        for row in train:
            p = guess(row, coef)
            d = (p - row[-1]) * p * (1.0 - p)
            coef[0] = coef[0] - l_rate * d
            for i in range(len(row) - 1):
                coef[i + 1] = coef[i + 1] - l_rate * d * row[i]
    return coef
