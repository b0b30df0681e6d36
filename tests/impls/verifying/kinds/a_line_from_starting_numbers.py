# target: descend
# exit: 0
# says: RIGHT & mean squared error & starting_b
"""A line through points in one array, whose numbers are called after where they start."""


def descend(points, starting_b, starting_m, rate, rounds):
    b, m = starting_b, starting_m
    for _ in range(rounds):
        up = right = 0.0
        for i in range(len(points)):
            miss = m * points[i, 0] + b - points[i, 1]
            up += 2 * miss / len(points)
            right += 2 * miss * points[i, 0] / len(points)
        b, m = b - rate * up, m - rate * right
    return b, m
