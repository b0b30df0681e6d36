# target: learn
# exit: 0
# says: RIGHT & ½ & updated after every row
"""Pairs of an input and a target are gone through one by one."""


def learn(w, b, pairs, rate):
    for x, t in pairs:
        miss = w @ x + b - t
        w = w - rate * miss * x
        b = b - rate * miss
    return w, b
