"""The versions that a study's numbers depend on, in the process that asks."""

from __future__ import annotations

import importlib.metadata
import platform

import numpy as np
import scipy

from samegrad.impls.errors import BadInput
from samegrad.impls.registry import get_entry


def versions(implementation: str) -> dict[str, str]:
    """Python, this package, NumPy, SciPy, and what the implementation needs."""
    own = {
        "python": platform.python_version(),
        "samegrad": importlib.metadata.version("samegrad"),
        "numpy": np.__version__,
        "scipy": scipy.__version__,
    }
    entry = get_entry(implementation)
    if absent := entry.absent():
        return own | dict.fromkeys(absent, "missing")
    return entry.versions() | own


def require_same(here: dict[str, str], there: dict[str, dict[str, str]]) -> None:
    """Raise BadInput where a worker, by its address, has other versions than this process."""
    for address, theirs in there.items():
        differing = [name for name in here | theirs if here.get(name) != theirs.get(name)]
        if differing:
            pairs = ", ".join(
                f"{name} {theirs.get(name, 'missing')} there and {here.get(name, 'missing')} here" for name in differing
            )
            raise BadInput(f"the worker {address} has other versions than this client: {pairs}; install the same")
