# target: gradient_descent
# exit: 0
# says: mean squared error
def gradient_descent(x, y):
    m_now = c_now = 0
    for _ in range(1000):
        guess = m_now * x + c_now
        dm = -(2 / len(x)) * sum(x * (y - guess))
        dc = -(2 / len(x)) * sum(y - guess)
        m_now = m_now - 0.01 * dm
        c_now = c_now - 0.01 * dc
        print(f"cost {sum((y - guess) ** 2) / len(x)}")
    return m_now, c_now
