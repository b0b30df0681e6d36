# target: step
# exit: 0
# says: RIGHT
# awaits: plain numbers broadcast at 4-1 in every layout, so that 1-1 is never tried
def step(x, y, w, b, lr):
    miss = w * x + b - y
    w = w - lr * 2 * (miss * x).mean()
    b = b - lr * 2 * miss.mean()
    return w, b
