# target: step
# exit: 0
# says: RIGHT & 3-1, identity & one step of lines 25 to 30
"""One step on one row, written line by line, whose number of inputs is written into a function."""


def weigh(row, weights):
    assert len(row) == len(weights)
    return sum(v * w for v, w in zip(row, weights))


def scaled(number, row):
    out = [0, 0, 0]
    for i in range(len(out)):
        out[i] = number * row[i]
    return out


weights = [0.2, 0.3, -0.4]
games = [[7.5, 0.6, 1.1], [8.5, 0.7, 1.2]]
won = [1, 0]
pace = 0.01
input = games[0]
wanted = won[0]
guess = weigh(input, weights)
miss = guess - wanted
print((guess - wanted) ** 2)
slopes = scaled(miss, input)
for i in range(len(weights)):
    weights[i] -= pace * slopes[i]
print(weights)
