"""Sharpness: which planted mistakes does each gradient checker miss, and which right code does it call wrong?

    python -m impls.verifying.sharpness [--networks 60] [--out reports/sample/sharpness.json]

Every checker is the library's own function at its default criterion, on the same 2-4-1 networks and truth table:

    ours      the oracle and the bound: τ ≤ 1 for every tensor
    torch     torch.autograd.gradcheck of a Function whose backward returns the planted gradient
    jax       jax.test_util.check_grads(order=1, modes=["rev"]) of a custom_vjp that returns it
    scipy     scipy.optimize.check_grad below 1e-6 (it returns a norm; this is the usual limit)
    allclose  numpy.allclose(planted, right, rtol=1e-5), the right gradient being autodiff's
"""

from __future__ import annotations

import argparse
import datetime
import importlib.metadata
import json
import platform
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from impls.checking.agreement import Reference, worst_tau
from impls.files import write_whole
from impls.parameters import Array, Layer, Parameters, initial, tensors
from impls.problem import XOR
from impls.verifying import mutants
from impls.verifying.mistakes import bank
from impls.verifying.mutants import Mistake

NETWORKS = 60
SCALES = (1.0, 10.0)
RIGHT_SCALES = (1.0, 10.0, 100.0)
SCIPY_LIMIT = 1e-6
RATE = 0.5
OUT = Path("reports/sample/sharpness.json")
X, Y = XOR.data(4)
NAMES = ("W1", "b1", "W2", "b2")

LOGIC = (
    "sign", "b1-missing", "b2-missing", "biases-missing",
    "slope-none-output", "slope-none-hidden", "slope-none-every",
    "slope-of-z-every", "slope-of-z-output", "slope-of-z-hidden",
    "slope-of-a-every", "slope-of-a-output", "slope-of-a-hidden",
    "slope-of-tanh-hidden", "slope-just-a-hidden",
    "back-updated-first", "back-without-weights", "back-without-slope", "back-elementwise-weights",
    "W1-reshaped", "W2-input-untransposed", "W2-from-z", "W1-missing",
    "biases-averaged", "b1-averaged", "b1-wrong-axis", "b1-scalar", "b1-from-above",
    "last-row-only", "flat-target", "absolute-error", "squared-error", "rate-folded-in", "averaged-twice",
)  # fmt: skip
"""The mistakes of the table in the project's notes, by their names in the bank, and a few more of the same kinds."""


def planted() -> list[Mistake]:
    """The mistakes that are planted, from the bank."""
    by_name = {mistake.name: mistake for mistake in bank(XOR.activations)}
    return [by_name[name] for name in LOGIC]


def network(seed: int, scale: float) -> Parameters:
    return initial(XOR.sizes, seed, scale)


def wrong_gradient(mistake: Mistake, parameters: Parameters) -> Parameters:
    """What the mistake gives for the mean squared error, in float64."""
    found = mutants.gradients(XOR.activations, parameters, X, Y, mistake.steps(), rate=RATE)
    assert found is not None
    shapes = {name: tensor.shape for name, tensor in tensors(parameters).items()}
    values = {name: np.broadcast_to(found[name].value, shapes[name]).copy() for name in NAMES}
    return [Layer(values["W1"], values["b1"]), Layer(values["W2"], values["b2"])]


# Right code, as people write it -----------------------------------------------------------------------------------


def naive_slope(z: Array) -> tuple[Array, Array]:
    """a = 1/(1 + e⁻ᶻ) and a(1 − a)."""
    a = 1 / (1 + np.exp(-z))
    return a, a * (1 - a)


def stable_slope(z: Array) -> tuple[Array, Array]:
    """Both from t = e^(−|z|), without subtraction."""
    t = np.exp(-np.abs(z))
    a = np.where(z >= 0, 1, t) / (1 + t)
    return a, t / (1 + t) ** 2


def backward(
    parameters: Parameters, sigmoid: Callable[[Array], tuple[Array, Array]], inside: str, back: str | None = None
) -> Parameters:
    """A right pass whose forward half is in the dtype `inside`, its backward half in `back` (the same by default)."""
    back = back or inside
    (W1, b1), (W2, b2) = ([p.astype(inside) for p in layer] for layer in parameters)
    x, y = X.astype(inside), Y.astype(inside)
    with np.errstate(over="ignore"):
        a1, s1 = sigmoid(x @ W1 + b1)
        a2, s2 = sigmoid(a1 @ W2 + b2)
    x, y, a1, s1, a2, s2, W2 = (array.astype(back) for array in (x, y, a1, s1, a2, s2, W2))
    d2 = (a2 - y) * s2 * np.asarray(2 / y.size, back)
    d1 = (d2 @ W2.T) * s1
    return [Layer(x.T @ d1, d1.sum(axis=0)), Layer(a1.T @ d2, d2.sum(axis=0))]


def downcasts(parameters: Parameters) -> dict[str, Parameters]:
    """float32 passed off as float64: all inside, in the forward half only, and the result alone."""
    inside = backward(parameters, naive_slope, "float32")
    forward = backward(parameters, naive_slope, "float32", "float64")
    result = backward(parameters, naive_slope, "float64")
    return {
        "float32 inside": _as(inside, "float64"),
        "float32 forward": _as(forward, "float64"),
        "float32 result": _as(_as(result, "float32"), "float64"),
    }


def _as(gradients: Parameters, dtype: str) -> Parameters:
    return [Layer(W.astype(dtype), b.astype(dtype)) for W, b in gradients]


# The checkers: does each accept this gradient? ---------------------------------------------------------------------


@cache
def _reference(seed: int, scale: float, dtype: str) -> Reference:
    return Reference(XOR, network(seed, scale), X, Y, dtype)


def ours(seed: int, scale: float, gradients: Parameters, dtype: str = "float64") -> bool:
    reference = _reference(seed, scale, dtype)
    result = (reference.truth.loss.astype(dtype), gradients)
    return worst_tau(reference.agree("value_and_grad", result)) <= 1


def allclose(seed: int, scale: float, gradients: Parameters) -> bool:
    right = backward(network(seed, scale), naive_slope, "float64")
    pairs = zip(tensors(gradients).values(), tensors(right).values(), strict=True)
    return all(np.allclose(found, expected, rtol=1e-5) for found, expected in pairs)


def scipy_check(seed: int, scale: float, gradients: Parameters) -> bool:
    import scipy.optimize

    from impls.checking.oracle import flatten, unflatten

    def loss(theta: Array) -> float:
        a = X
        with np.errstate(over="ignore"):
            for W, b in unflatten(theta, XOR.sizes):
                a = naive_slope(a @ W + b)[0]
        return float(np.mean((a - Y) ** 2))

    gradient = flatten(gradients)
    return scipy.optimize.check_grad(loss, lambda theta: gradient, flatten(network(seed, scale))) < SCIPY_LIMIT


def torch_check(seed: int, scale: float, gradients: Parameters) -> bool:
    import torch

    planted_tensors = [torch.tensor(tensor) for tensor in tensors(gradients).values()]
    x, y = torch.tensor(X), torch.tensor(Y)

    class Planted(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, W1: Any, b1: Any, W2: Any, b2: Any) -> Any:
            hidden = torch.sigmoid(x @ W1 + b1)
            return torch.mean((torch.sigmoid(hidden @ W2 + b2) - y) ** 2)

        @staticmethod
        def backward(ctx: Any, cotangent: Any) -> Any:  # type: ignore[override]
            return tuple(cotangent * tensor for tensor in planted_tensors)

    inputs = [torch.tensor(tensor, requires_grad=True) for tensor in tensors(network(seed, scale)).values()]
    return bool(torch.autograd.gradcheck(Planted.apply, inputs, raise_exception=False))


@cache
def _jax_loss() -> Any:
    import jax
    import jax.numpy as jnp

    @jax.custom_vjp
    def loss(parameters: Any, planted_gradients: Any) -> Any:
        W1, b1, W2, b2 = parameters
        hidden = jax.nn.sigmoid(X @ W1 + b1)
        return jnp.mean((jax.nn.sigmoid(hidden @ W2 + b2) - Y) ** 2)

    def forward(parameters: Any, planted_gradients: Any) -> Any:
        return loss(parameters, planted_gradients), planted_gradients

    def back(planted_gradients: Any, cotangent: Any) -> Any:
        return jax.tree.map(lambda g: cotangent * g, planted_gradients), jax.tree.map(jnp.zeros_like, planted_gradients)

    loss.defvjp(forward, back)
    return loss


def jax_check(seed: int, scale: float, gradients: Parameters) -> bool:
    import jax.test_util

    loss, planted_gradients = _jax_loss(), list(tensors(gradients).values())
    parameters = list(tensors(network(seed, scale)).values())
    try:
        jax.test_util.check_grads(lambda *p: loss(list(p), planted_gradients), parameters, order=1, modes=["rev"])
    except AssertionError:
        return False
    return True


Checker = Callable[[int, float, Parameters], bool]


def checkers() -> dict[str, Checker]:
    """Those whose libraries are installed."""
    found: dict[str, Checker] = {"ours": ours, "allclose": allclose}
    for package, name, check in (
        ("scipy", "scipy", scipy_check),
        ("torch", "torch", torch_check),
        ("jax", "jax", jax_check),
    ):
        try:
            importlib.metadata.version(package)
            found[name] = check
        except importlib.metadata.PackageNotFoundError:
            continue
    if "jax" in found:
        import jax

        jax.config.update("jax_enable_x64", True)
    return found


# The measurement ---------------------------------------------------------------------------------------------------


def measure(networks: int = NETWORKS, progress: Callable[[str], None] = lambda text: None) -> dict[str, Any]:
    """Plant everything on every network and count what each checker accepts."""
    found = checkers()
    mistakes = planted()
    missed: dict[str, dict[str, dict[str, int]]] = {}
    for scale in SCALES:
        missed[f"{scale:g}"] = {name: dict.fromkeys(LOGIC, 0) for name in found}
        for seed in range(networks):
            for mistake in mistakes:
                gradients = wrong_gradient(mistake, network(seed, scale))
                for name, check in found.items():
                    missed[f"{scale:g}"][name][mistake.name] += int(check(seed, scale, gradients))
        progress(f"planted {len(mistakes)} mistakes on {networks} networks at scale {scale:g}")

    downcast = dict.fromkeys(found, 0)
    for seed in range(networks):
        for gradients in downcasts(network(seed, 1.0)).values():
            for name, check in found.items():
                downcast[name] += int(check(seed, 1.0, gradients))
    progress("planted the downcasts")

    alarms = {name: {f"{scale:g}": 0 for scale in SCALES} for name in found if name != "ours"}
    for name, by_scale in alarms.items():
        for scale in SCALES:
            for seed in range(networks):
                right = backward(network(seed, scale), naive_slope, "float64")
                by_scale[f"{scale:g}"] += not found[name](seed, scale, right)
    progress("checked right code")
    return {
        "format": "samegrad-sharpness",
        "format_version": 1,
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "versions": _versions(("numpy", *(name for name in found if name not in ("ours", "allclose")))),
        "networks": networks,
        "mistakes": list(LOGIC),
        "planted_per_scale": networks * len(LOGIC),
        "missed": {scale: {n: sum(by.values()) for n, by in of.items()} for scale, of in missed.items()},
        "missed_by_mistake": {
            scale: {n: {m: k for m, k in by.items() if k} for n, by in of.items()} for scale, of in missed.items()
        },
        "downcasts_planted": 3 * networks,
        "downcasts_missed": downcast,
        "right_code_per_scale": networks,
        "false_alarms": alarms,
        "ours_right_code": right_code_of_ours(networks),
    }


def right_code_of_ours(networks: int) -> dict[str, Any]:
    """Right code, naive and stable, in both dtypes, at all scales: how often ours calls it wrong."""
    wrong = cases = 0
    for seed in range(networks):
        for scale in RIGHT_SCALES:
            for sigmoid in (naive_slope, stable_slope):
                for dtype in ("float32", "float64"):
                    parameters = _as(_as(network(seed, scale), dtype), "float64")
                    gradients = backward(parameters, sigmoid, dtype)
                    wrong += not ours(seed, scale, gradients, dtype)
                    cases += 1
    return {"cases": cases, "false_alarms": wrong}


def _versions(packages: Iterable[str]) -> dict[str, str]:
    return {"python": platform.python_version(), **{name: importlib.metadata.version(name) for name in packages}}


def table(result: dict[str, Any]) -> str:
    """The result for a terminal."""
    names = list(result["downcasts_missed"])
    ours_right = result["ours_right_code"]
    lines = [
        f"{result['planted_per_scale']} planted mistakes at each scale ({len(result['mistakes'])} on "
        f"{result['networks']} networks), {result['downcasts_planted']} downcasts:",
        "",
        f"{'checker':<10}{'missed, scale 1':>17}{'scale 10':>10}{'downcasts missed':>18}{'false alarms, 1 and 10':>24}",
    ]
    for name in names:
        alarms = result["false_alarms"].get(name)
        shown = " and ".join(str(alarms[f"{s:g}"]) for s in SCALES) if alarms else f"{ours_right['false_alarms']}*"
        missed = [result["missed"][f"{scale:g}"][name] for scale in SCALES]
        lines.append(f"{name:<10}{missed[0]:>17}{missed[1]:>10}{result['downcasts_missed'][name]:>18}{shown:>24}")
    lines.append(
        f"* of {ours_right['cases']}: naive and stable, float32 and float64, scales 1, 10 and 100 "
        f"(the others: of {result['right_code_per_scale']} naive float64 passes at each scale)"
    )
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", type=int, default=NETWORKS)
    parser.add_argument("--out", type=Path, default=OUT)
    options = parser.parse_args(arguments)
    result = measure(options.networks, progress=lambda text: print(text, flush=True))
    print("\n" + table(result))
    options.out.parent.mkdir(parents=True, exist_ok=True)
    write_whole(options.out, json.dumps(result, indent=1).encode())
    print(f"\nSaved in {options.out}.")


if __name__ == "__main__":
    main()
