# target: pull_back
# exit: 0
# says: 2-3-2 & RIGHT for
import math


def push(network, point):
    first = [math.tanh(network[0][j][0] * point[0] + network[0][j][1] * point[1] + network[0][j][2]) for j in range(3)]
    return first, [sum(network[1][k][j] * first[j] for j in range(3)) + network[1][k][3] for k in range(2)]


def forward(network, point):
    return push(network, point)[1]


def pull_back(network, point, wanted):
    first, second = push(network, point)
    late = [second[k] - wanted[k] for k in range(2)]
    early = [(1 - first[j] ** 2) * sum(late[k] * network[1][k][j] for k in range(2)) for j in range(3)]
    return [[[d * point[0], d * point[1], d] for d in early], [[*(d * h for h in first), d] for d in late]]
