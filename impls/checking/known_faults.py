"""Faults of the frameworks that the bound has found, each with a program of a few lines that shows it again.

    python -m samegrad.impls.checking.known_faults        which of them are in the versions that are installed here

What they touch here: `keras-xla` runs on TensorFlow only, so the first cannot reach it; plain gradient descent has no
constants, so the second reaches only optimizers with momentum; the third is within what the dtype allows. What a
framework has repaired since shows as absent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any

import numpy as np

from samegrad.impls.checking.agreement import Reference
from samegrad.impls.checking.bound import arithmetic
from samegrad.impls.child import Failed, call
from samegrad.impls.errors import Unavailable
from samegrad.impls.parameters import Layer
from samegrad.impls.problem import XOR
from samegrad.impls.registry import REGISTRY, get_entry
from samegrad.impls.task import Task

TIMEOUT_S = 120


@dataclass(frozen=True)
class KnownFault:
    """A fault, its source, and the function here that reproduces it."""

    name: str
    what: str
    cure: str
    source: str
    reproduce: str
    """A function of this module that returns {"present": bool, "evidence": one sentence, "versions": {…}}."""
    arguments: dict[str, Any] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)


def keras_on_torch_in_float64() -> dict[str, Any]:
    """The gradient of a float64 Keras model on the torch backend, by torch's autograd, against the reference."""
    import keras
    import torch

    keras.config.set_floatx("float64")
    parameters, (x, y) = XOR.parameters(), XOR.data(4)
    model = keras.Sequential([keras.Input((2,)), *(keras.layers.Dense(n, "sigmoid") for n in (4, 1))])
    model.set_weights([tensor for layer in parameters for tensor in layer])
    ((model(torch.tensor(x)) - torch.tensor(y)) ** 2).mean().backward()
    flat = [variable.value.grad.cpu().numpy() for variable in model.trainable_variables]
    gradients = [Layer(W, b) for W, b in zip(flat[0::2], flat[1::2], strict=True)]
    reference = Reference(XOR, parameters, x, y, "float64")
    agreements = reference.agree("value_and_grad", (np.asarray(reference.truth.loss), gradients))
    worst = max(agreements, key=lambda agreement: agreement.tau)
    return _finding(not worst.agrees, str(worst), "keras", "torch")


def constants_through_float32(cured: bool = False) -> dict[str, Any]:
    """Two steps of Keras's SGD and Adam on a float64 variable, gradients 1 and 0.5, against the same by hand.

    With exact constants each of the 20 or so operations rounds once, so that 32u is more than they can add up to.
    `cured` gives the constants as np.float64, which leaves nothing to find.
    """
    import keras

    keras.config.set_floatx("float64")
    kind = np.float64 if cured else float
    optimizers = [
        (keras.optimizers.SGD(0.5, momentum=kind(0.9)), _two_steps_of_momentum()),
        (keras.optimizers.Adam(0.5, beta_1=kind(0.9), beta_2=kind(0.999)), _two_steps_of_adam()),
    ]
    evidence, wrong = [], []
    for optimizer, expected in optimizers:
        variable = keras.Variable(np.zeros(1), dtype="float64")
        optimizer.build([variable])
        for gradient in (1.0, 0.5):
            optimizer.apply([keras.ops.convert_to_tensor(np.full(1, gradient))], [variable])
        value = float(keras.ops.convert_to_numpy(variable)[0])
        allowed = 32 * arithmetic("float64").u * abs(expected)
        evidence.append(f"{optimizer.name}: {value:.10g}, but should be {expected:.10g} (within {allowed:.1g})")
        wrong.append(abs(value - expected) > allowed)
    return _finding(any(wrong), "; ".join(evidence), "keras", "tensorflow") | {"each": wrong}


def _two_steps_of_momentum() -> float:
    """v ← 0.9·v − 0.5·g and p ← p + v, from zero."""
    v1 = -0.5 * 1.0
    v2 = 0.9 * v1 - 0.5 * 0.5
    return v1 + v2


def _two_steps_of_adam() -> float:
    """Adam as Keras writes it (ε = 10⁻⁷ beside the uncorrected √v), β₁ = 0.9, β₂ = 0.999, from zero."""
    p = m = v = 0.0
    for step, g in ((1, 1.0), (2, 0.5)):
        m, v = m + (g - m) * (1 - 0.9), v + (g * g - v) * (1 - 0.999)
        p -= 0.5 * np.sqrt(1 - 0.999**step) / (1 - 0.9**step) * m / (np.sqrt(v) + 1e-7)
    return float(p)


def digits_lost(implementations: Sequence[str]) -> dict[str, Any]:
    """The gradient where the output of xor is saturated at z = 20 in float32: a(1 − a) is 0 there, the slope is 2·10⁻⁹.

    The implementations are those of one framework, as they share a process.
    """
    parameters = [Layer(np.zeros((2, 4)), np.zeros(4)), Layer(np.zeros((4, 1)), np.full(1, 20.0))]
    task = Task(XOR, parameters)
    reference = Reference.of(task)
    lost: dict[str, str] = {}
    kept: list[str] = []
    versions: dict[str, str] = {}
    for name in implementations:
        subject = get_entry(name).load()()
        try:
            subject.prepare(task)
        except Unavailable:
            continue
        agreements = reference.agree("value_and_grad", subject.to_numpy(subject.value_and_grad()))
        (b2,) = (agreement for agreement in agreements if agreement.tensor == "b2")
        versions |= get_entry(name).versions()
        if abs(b2.found - b2.expected) > abs(b2.expected) / 2:
            lost[name] = f"{b2.found:.4g}, but should be {b2.expected:.4g} (float32 may be {b2.tolerance:.1g} off)"
        else:
            kept.append(name)
    if not lost and not kept:
        raise Unavailable(f"{', '.join(implementations)}: none can run here")
    evidence = [f"{', '.join(names)}: ∂L/∂b2 is {what}" for what, names in _grouped(lost).items()]
    evidence += [f"{', '.join(kept)}: all digits kept"] if kept else []
    return {"present": bool(lost), "evidence": "; ".join(evidence), "versions": versions}


def _grouped(lost: dict[str, str]) -> dict[str, list[str]]:
    return {what: [name for name in lost if lost[name] == what] for what in dict.fromkeys(lost.values())}


def _finding(present: bool, evidence: str, *packages: str) -> dict[str, Any]:
    return {"present": present, "evidence": evidence, "versions": {name: version(name) for name in packages}}


KERAS_ON_TORCH = KnownFault(
    "Keras on torch computes float64 in float32",
    "On the torch backend keras.ops.matmul casts float64 to float32 and the result back, so that a layer that says "
    "float64 has 24-bit weights.",
    "Use Keras in float64 on the TensorFlow or JAX backend.",
    "keras issues 23223 and 23704",
    "keras_on_torch_in_float64",
    environment={"KERAS_BACKEND": "torch"},
)
CONSTANTS = KnownFault(
    "Keras optimizers in float64 have float32 constants on TensorFlow",
    "keras.ops.cast of a Python float to float64 goes through float32 on TensorFlow: 0.9 becomes 0.89999998.",
    "Give the constants as np.float64(0.9).",
    "found here; no issue known",
    "constants_through_float32",
    environment={"KERAS_BACKEND": "tensorflow"},
)


def digits(implementations: Sequence[str]) -> KnownFault:
    """The fault of lost digits, of implementations that share a framework; by no means all of them have it."""
    return KnownFault(
        "the slope of a saturated sigmoid loses its digits",
        "The slope is computed as a·(1 − a), and 1 − a cancels as a → 1: from z = 17 in float32 and z = 37 in float64 "
        "the gradient is 0 instead of small.",
        "σ(z)·σ(−z), or t·a² with t = e⁻ᶻ, keeps them; jax.lax.logistic(z, accuracy=AccuracyMode.HIGHEST) does.",
        "not a mistake: within what the dtype allows, so τ ≤ 1; seen as millions of ULP at scales 10 and 100",
        "digits_lost",
        {"implementations": list(implementations)},
    )


def known(implementations: Iterable[str]) -> list[KnownFault]:
    """The known faults of the implementations' frameworks; that of lost digits once for each framework."""
    by_framework: dict[str, list[str]] = {}
    for name in implementations:
        by_framework.setdefault(get_entry(name).framework, []).append(name)
    of_keras = [KERAS_ON_TORCH, CONSTANTS] if "keras" in by_framework else []
    return [*of_keras, *map(digits, by_framework.values())]


def check(fault: KnownFault) -> dict[str, Any]:
    """Reproduce a fault in a process of its own: {"name", "what", "cure", "source", "present", "evidence", "versions"}.

    `present` is None where the fault cannot be tried here; the evidence gives the reason.
    """
    described = {"name": fault.name, "what": fault.what, "cure": fault.cure, "source": fault.source}
    target = f"samegrad.impls.checking.known_faults:{fault.reproduce}"
    try:
        return described | call(target, fault.arguments, timeout_s=TIMEOUT_S, environment=fault.environment)
    except (Unavailable, Failed) as reason:
        return described | {"present": None, "evidence": f"not tried: {reason}", "versions": {}}


def run(
    implementations: Iterable[str] = tuple(REGISTRY), progress: Callable[[str], None] = lambda line: None
) -> list[dict[str, Any]]:
    """Try every known fault, each in a process of its own."""
    results = []
    for fault in known(implementations):
        progress(fault.name)
        results.append(check(fault))
    return results


if __name__ == "__main__":
    for result in run():
        state = {True: "present", False: "absent", None: "unknown"}[result["present"]]
        print(f"{state:8} {result['name']}\n         {result['evidence']}")
