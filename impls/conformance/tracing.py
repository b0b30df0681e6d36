"""What the frameworks report of their compilers during calls: how often one ran, and which arrays became constants.

    with watched() as traced:
        call()
    traced.compilations, traced.constants

JAX counts compilations and warns of large constants, PyTorch counts the graphs of torch.compile, TensorFlow the
functions that are made (a tf.function in the body of a call is a new one each time).
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache

JAX_COMPILES = "/jax/core/compile/backend_compile_duration"
CONSTANTS_BYTES = 100_000
"""JAX warns of constants from here on: far less than the rows of a large batch, far more than a table of numbers."""


@dataclass
class Traced:
    is_watched: bool
    """Whether a framework is loaded that reports this."""
    compilations: int = 0
    constants: list[str] = field(default_factory=list)
    """JAX's own words about each compilation that captured large constants."""


@contextmanager
def watched() -> Iterator[Traced]:
    """Watch the frameworks that are loaded."""
    if jax := sys.modules.get("jax"):
        jax.config.update("jax_captured_constants_warn_bytes", CONSTANTS_BYTES)
    before = _counts()
    traced = Traced(bool(before))
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        yield traced
    traced.compilations = sum(_counts().values()) - sum(before.values())
    messages = [str(warning.message).partition(". ")[0] for warning in warned]
    traced.constants = [words for words in messages if "constants were captured" in words]


def _counts() -> dict[str, int]:
    """How many compilations there were so far, by framework, of those that are loaded."""
    counts = {}
    if "jax" in sys.modules:
        counts["jax"] = len(_compilations_of_jax())
    if dynamo := sys.modules.get("torch._dynamo.utils"):
        counts["torch"] = dynamo.counters["stats"]["unique_graphs"]
    functions = sys.modules.get("tensorflow.python.eager.polymorphic_function.polymorphic_function")
    if counter := getattr(functions, "_tf_function_counter", None):  # by whether they are compiled by XLA
        counts["tensorflow"] = sum(counter.get_cell(is_compiled).value() for is_compiled in ("0", "1"))
    return counts


@cache
def _compilations_of_jax() -> list[float]:
    """The seconds of each, from the first question on."""
    import jax

    seconds: list[float] = []

    def note(event: str, duration_s: float, **_: object) -> None:
        if event == JAX_COMPILES:
            seconds.append(duration_s)

    jax.monitoring.register_event_duration_secs_listener(note)
    return seconds
