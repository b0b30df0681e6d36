# target: descend
# exit: 0
# says: RIGHT for 1/N·Σ\(a−y\)²
def descend(b_now, m_now, points, rate):
    n = float(len(points))
    slope_of_m = slope_of_b = 0.0
    for x, y in points:
        miss = m_now * x + b_now - y
        slope_of_m += 2 / n * miss * x
        slope_of_b += 2 / n * miss
    return b_now - rate * slope_of_b, m_now - rate * slope_of_m
