# target: model_backward
# exit: 0
# says: RIGHT for the binary cross-entropy, averaged over the rows
import numpy as np


def layer_forward(inputs, weights, offsets, kind):
    total = weights @ inputs + offsets
    out = np.maximum(total, 0) if kind == "relu" else 1 / (1 + np.exp(-total))
    return out, ((inputs, weights), total)


def model_forward(X, parameters):
    count, out, caches = len(parameters) // 2, X, []
    for number in range(1, count + 1):
        kind = "relu" if number < count else "sigmoid"
        out, cache = layer_forward(out, parameters["W" + str(number)], parameters["b" + str(number)], kind)
        caches.append(cache)
    return out, caches


def layer_backward(d_out, cache, kind):
    (inputs, weights), total = cache
    a = 1 / (1 + np.exp(-total))
    d_total = d_out * ((total > 0) if kind == "relu" else a * (1 - a))
    n = inputs.shape[1]
    return weights.T @ d_total, d_total @ inputs.T / n, d_total.sum(axis=1, keepdims=True) / n


def model_backward(AL, Y, caches):
    grads, d_out = {}, -(Y / AL - (1 - Y) / (1 - AL))
    for number in range(len(caches), 0, -1):
        kind = "sigmoid" if number == len(caches) else "relu"
        d_out, grads[f"dW{number}"], grads[f"db{number}"] = layer_backward(d_out, caches[number - 1], kind)
    return grads
