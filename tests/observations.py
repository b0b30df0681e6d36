"""What implementations do under the contract's eyes: `observed(name)`, from a process of their own framework.

The clauses are examined as `samegrad conformance` does it; beside them stand what else was imported, and the headers
that PyTorch has precompiled. The process runs once for all that share it.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from samegrad.impls.child import call
from samegrad.impls.conformance.examination import BATCH, GATE_BATCHES, examine
from samegrad.impls.errors import Unavailable
from samegrad.impls.problem import DTYPES
from samegrad.impls.registry import DEFAULT, REGISTRY

FRAMEWORKS = ("torch", "tensorflow", "keras", "jax", "jaxlib")
TIME_LIMIT_S = 1200

ALONE = ("keras-jax", "keras-torch")
"""Keras takes one back end per process."""
SHARED = {"c": "numpy", "autograd": "numpy", "tensorflow": "keras", "equinox": "jax"}
"""Frameworks that are observed in the process of another."""
SLOW_TO_COMPILE = ("torch-compile", "torch-compile-manual", "torch-networks")
"""Observed at one shape only, as each is compiled for seconds."""
ONE_SHAPE = 32_768
"""Rows enough to see whether they wait (at most 0.08 of the work was left), and few enough for many references."""
FAULTY: dict[str, dict[str, set[str]]] = {
    "jax": {"jax-jit unfenced": {"ready"}, "jax-jit captured": {"arguments"}, "jax-jit recompiling": {"compiled"}},
    "torch": {"torch-eager accumulating": {"state"}, "torch-eager recompiling": {"compiled"}},
    "keras": {"keras-eager recompiling": {"compiled"}},
    "numpy": {"numpy deferred": {"ready"}},
}
"""Faults of `tests/benchmarks/planted.py` that are observed beside the right ones, and the clauses that they break."""


def process_of(name: str) -> str:
    """The process that an implementation is observed in: its framework's, or one of its own."""
    entry = REGISTRY[name.partition(" ")[0]]
    return name if name in ALONE else SHARED.get(entry.framework, entry.framework)


def observed(name: str) -> dict[str, Any]:
    """What was seen of an implementation of the registry, or of a fault. JSON-able."""
    return _observed(process_of(name))[name]


@cache
def _observed(process: str) -> dict[str, dict[str, Any]]:
    names = [name for name in REGISTRY if process_of(name) == process and not REGISTRY[name].missing()]
    names += FAULTY.get(process, {})
    return call("tests.observations:observe", {"names": names}, timeout_s=TIME_LIMIT_S)


def observe(names: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Everything, one after the other in this process; test_rungs.py has all problems, dtypes and batches of each."""
    return {name: _observe(name) for name in names}


def _observe(name: str) -> dict[str, Any]:
    before = {module for module in FRAMEWORKS if module in sys.modules}
    target = f"tests.benchmarks.planted:{name}" if " " in name else name
    batch, timed = (ONE_SHAPE, ()) if name in SLOW_TO_COMPILE else (BATCH, GATE_BATCHES[:2])
    try:
        seen = examine(target, ["xor"], DTYPES if name in DEFAULT else DTYPES[:1], batch, timed)
    except Unavailable as reason:
        return {"unavailable": str(reason)}
    seen["precompiled"] = [
        path.name for path in Path(tempfile.gettempdir()).glob("torchinductor_*/precompiled_headers/*.h")
    ]
    seen["frameworks"] = sorted(before | {module for module in FRAMEWORKS if module in sys.modules})
    return seen
