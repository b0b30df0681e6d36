# target: compute_slopes
# exit: 0
# says: RIGHT for ½·Σ\(a−y\)²
import numpy as np

dice = np.random.default_rng(4)
inputs, targets = dice.normal(size=(300, 3)), dice.normal(size=(300, 1))
w_first, w_second = dice.normal(size=(3, 6)), dice.normal(size=(6, 1))


def feedforward(inputs):
    inner = np.tanh(inputs @ w_first)
    return inner, inner @ w_second


def compute_slopes(inputs, targets, inner, out):
    late = out - targets
    return inputs.T @ ((late @ w_second.T) * (1 - inner**2)), inner.T @ late


left = 10**8
while left > 0:
    inner, out = feedforward(inputs)
    step_first, step_second = compute_slopes(inputs, targets, inner, out)
    w_first -= 1e-6 * step_first
    w_second -= 1e-6 * step_second
    left -= 1
print("over", float(np.mean((out - targets) ** 2)))
