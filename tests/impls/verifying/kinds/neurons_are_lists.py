# target: gradients_of_one
# exit: 0
# says: RIGHT
import math


def fire(neuron, signals):
    return 1 / (1 + math.exp(-sum(w * s for w, s in zip(neuron, [*signals, 1], strict=True))))


def feed_forward(network, signals):
    outputs = []
    for layer in network:
        signals = [fire(neuron, signals) for neuron in layer]
        outputs.append(signals)
    return outputs


def gradients_of_one(network, example, wanted):
    """Of half the sum of squares; the last entry of a neuron is its bias."""
    inner, outer = feed_forward(network, example)
    late = [o * (1 - o) * (o - t) for o, t in zip(outer, wanted, strict=True)]
    of_outer = [[d * h for h in [*inner, 1]] for d in late]
    early = [h * (1 - h) * sum(d * n[i] for d, n in zip(late, network[-1], strict=True)) for i, h in enumerate(inner)]
    return [[[d * s for s in [*example, 1]] for d in early], of_outer]
