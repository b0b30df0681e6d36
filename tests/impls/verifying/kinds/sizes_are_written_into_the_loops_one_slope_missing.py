# target: slopes_of
# exit: 1
# says: 3-4-2 & slope|derivative
import math


def bend(v):
    return 1 / (1 + math.exp(-v))


def run_through(w_in, c_in, w_out, c_out, dot):
    middle = [0.0] * 4
    for j in range(4):
        middle[j] = bend(sum(w_in[j][i] * dot[i] for i in range(3)) + c_in[j])
    return middle, [bend(sum(w_out[k][j] * middle[j] for j in range(4)) + c_out[k]) for k in range(2)]


def slopes_of(w_in, b_in, w_out, b_out, dot, label):
    middle, end = run_through(w_in, b_in, w_out, b_out, dot)
    late = [(end[k] - label[k]) * end[k] * (1 - end[k]) for k in range(2)]
    early = [sum(late[k] * w_out[k][j] for k in range(2)) for j in range(4)]
    g_in = [[early[j] * dot[i] for i in range(3)] for j in range(4)]
    g_out = [[late[k] * middle[j] for j in range(4)] for k in range(2)]
    return g_in, early, g_out, late
