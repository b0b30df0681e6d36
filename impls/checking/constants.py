"""How wrong is each framework's sigmoid, and its tanh? Measured, and kept in `constants.json` for the bound.

    python -m samegrad.impls.checking.constants            measure what is installed;
                                                          exit 1 if it is worse than what is kept
    python -m samegrad.impls.checking.constants --write    keep it, beside what is kept of other machines and devices

Each implementation runs a network of one unit, W = 1 and b = 0, so that its prediction is its activation function at x
exactly, through the very code that is checked and timed. TensorFlow's own functions, called one by one, are measured
too: they are not those of its compiler, and are what a user's program calls. Arguments are taken half
evenly in value and half evenly among the numbers of the dtype (as many between 2⁻⁹ and 2⁻⁸ as between 4 and 8), on
both sides of 0, wherever the result is a normal number. The truth is computed in float64 for float32, and in extended
precision for float64.
"""

from __future__ import annotations

import argparse
import importlib
import json
import platform
import sys
from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

import numpy as np

from samegrad.impls.checking.bound import MEASURED, arithmetic
from samegrad.impls.child import Failed, call
from samegrad.impls.errors import Unavailable
from samegrad.impls.files import write_whole
from samegrad.impls.implementation import Implementation
from samegrad.impls.parameters import Array, Layer
from samegrad.impls.problem import DTYPES, Problem
from samegrad.impls.registry import REGISTRY, get_entry
from samegrad.impls.task import Task

LIBRARIES = ("tensorflow",)
FUNCTIONS = ("sigmoid", "tanh")
ARGUMENTS = 400_000
SMALLEST = 2.0**-20
"""The smallest |z| that is tried: below it σ is 1/2 and tanh is its argument, to the last digit."""
TIMEOUT_S = 600


def arguments(function: str, dtype: str, count: int) -> Array:
    """Arguments (4·count, 1) of `dtype` between the smallest normal result and saturation."""
    lowest = -np.log(np.finfo(dtype).max) * 0.98 if function == "sigmoid" else -20.0
    return np.concatenate([_spread(abs(lowest), dtype, count) * -1, _spread(40.0, dtype, count)])[:, np.newaxis]


def _spread(end: float, dtype: str, count: int) -> Array:
    """2·count numbers from SMALLEST to `end`: one half evenly spaced in value, one half evenly among the floats."""
    integer = {"float32": np.uint32, "float64": np.uint64}[dtype]
    first, last = (int(np.array(edge, dtype).view(integer)) for edge in (SMALLEST, end))
    patterns = np.linspace(first, last, count, dtype=np.longdouble).astype(integer)
    return np.concatenate([np.linspace(SMALLEST, end, count).astype(dtype), patterns.view(dtype)])


def truth(function: str, z: Array) -> Array:
    """σ or tanh in a precision that is far beyond that of z's dtype.

    Raises Unavailable on a machine whose `long double` is no wider than a double (Windows, ARM).
    """
    wide = np.float64 if z.dtype == np.float32 else np.longdouble
    if np.finfo(wide).eps > np.finfo(z.dtype).eps / 1000:
        raise Unavailable(
            f"{z.dtype} cannot be measured here: this machine has no wider numbers; measure on x86-64 Linux"
        )
    z = z.astype(wide)
    if function == "tanh":
        return np.tanh(z)
    t = np.exp(-abs(z))
    return np.where(z >= 0, 1, t) / (1 + t)


def measure(implementation: str, device: str = "cpu") -> list[dict[str, Any]]:
    """Worst errors in ULP of one implementation (or library), in this process: a row per function and dtype."""
    of_library = implementation in LIBRARIES
    versions = {implementation: version(implementation)} if of_library else get_entry(implementation).versions()
    subject = importlib.import_module(implementation).math if of_library else get_entry(implementation).load()()
    rows = []
    for function in FUNCTIONS:
        for dtype in DTYPES:
            z = arguments(function, dtype, ARGUMENTS)
            values = getattr(subject, function)(z) if of_library else _predictions(subject, function, z, device)
            exact = truth(function, z)
            error = abs(np.asarray(values) - exact) / np.spacing(abs(exact).astype(dtype))
            rows.append(
                {
                    "function": function,
                    "dtype": dtype,
                    "worst_ulp": round(float(error.max()), 3),
                    "at": float(z.flat[error.argmax()]),
                    "implementation": implementation,
                    "versions": versions,
                    "device": device,
                    "machine": platform.machine(),
                }
            )
    return rows


def _predictions(subject: Implementation, function: str, z: Array, device: str) -> Array:
    """f(z) by an implementation's forward pass of one unit."""
    unit = Problem("unit", (1, 1), (function,), lambda batch, seed: (z.astype(float), np.zeros(z.shape)))
    subject.prepare(Task(unit, [Layer(np.ones((1, 1)), np.zeros(1))], len(z), z.dtype.name, device))
    return subject.to_numpy(subject.forward())


def beyond(measured: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows that the bound does not allow for, as it is now."""
    return [row for row in measured if 2 * row["worst_ulp"] > getattr(arithmetic(row["dtype"]), row["function"])]


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m samegrad.impls.checking.constants", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--device", default="cpu", choices=("cpu", "gpu"))
    parser.add_argument("--write", action="store_true", help="keep what was measured")
    options = parser.parse_args(argv)

    measured: list[dict[str, Any]] = []
    for name in (*REGISTRY, *LIBRARIES):
        try:
            request = {"implementation": name, "device": options.device}
            measured += call("samegrad.impls.checking.constants:measure", request, timeout_s=TIMEOUT_S)
        except (Unavailable, Failed) as reason:
            print(f"{name}: left out: {reason}")
    for row in measured:
        print("{implementation:16} {function:8} {dtype:8} {worst_ulp:7.3f} ULP at {at:.9g}".format(**row))

    if options.write:
        mine = {(row["implementation"], row["device"], row["machine"]) for row in measured}
        kept = json.loads(MEASURED.read_bytes())["measured"]
        others = [row for row in kept if (row["implementation"], row["device"], row["machine"]) not in mine]
        lines = ",\n".join(json.dumps(row) for row in others + measured)
        write_whole(MEASURED, f'{{"measured": [\n{lines}\n]}}\n'.encode())
        return 0
    worse = beyond(measured)
    for row in worse:
        print("{implementation}: {function} in {dtype} is worse than what the bound allows; use --write".format(**row))
    return 1 if worse else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
