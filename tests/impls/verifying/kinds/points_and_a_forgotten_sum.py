# target: descend
# exit: 1
# says: the weight gradient.*dW1 & error\(\) computes it
def error(b, m, points):
    return sum((y - (m * x + b)) ** 2 for x, y in points) / len(points)


def descend(b_now, m_now, points, rate):
    n = float(len(points))
    slope_of_m = slope_of_b = 0.0
    for x, y in points:
        miss = m_now * x + b_now - y
        slope_of_m = 2 / n * miss * x
        slope_of_b += 2 / n * miss
    new_b = b_now - rate * slope_of_b
    new_m = m_now - rate * slope_of_m
    return [new_b, new_m]
