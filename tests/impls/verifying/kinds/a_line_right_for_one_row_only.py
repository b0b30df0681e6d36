# target: step
# exit: 2
# says: cannot tell & right for one row, and takes several as well
def step(X, y, w, b):
    miss = X @ w + b - y
    w -= 0.1 * X.T @ miss
    b = b - 0.1 * miss.mean(axis=0)
    return w, b
