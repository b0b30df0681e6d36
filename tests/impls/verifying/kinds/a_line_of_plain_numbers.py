# target: step
# exit: 0
# says: RIGHT
def step(x, y, w, b, lr):
    miss = w * x + b - y
    w = w - lr * 2 * (miss * x).mean()
    b = b - lr * 2 * miss.mean()
    return w, b
