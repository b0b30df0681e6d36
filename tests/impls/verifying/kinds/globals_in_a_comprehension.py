# target: gradients
# exit: 0
# says: RIGHT & ½ & w0 & b0
"""Numbers at the top of the file that only a comprehension reads."""

w0, b0 = 0.3, -0.2


def gradients(x, y):
    misses = [w0 * v + b0 - t for v, t in zip(x, y, strict=True)]
    return sum(m * v for m, v in zip(misses, x, strict=True)), sum(misses)
