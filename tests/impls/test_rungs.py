"""Every rung of every ladder: the same function as the reference, in every pass, problem and dtype, at any batch."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest

from samegrad.impls.checking.agreement import Reference, require
from samegrad.impls.child import HEADERS, call
from samegrad.impls.errors import Unavailable
from samegrad.impls.problem import DTYPES, PROBLEMS, Problem
from samegrad.impls.registry import ENTRIES, REGISTRY
from samegrad.impls.registry.entry import Entry
from samegrad.impls.task import Task
from tests.groups import in_process

TIME_LIMIT_S = 1200
BATCHES = (1, 4, 5, 256, 20_001)
"""One row, the truth table, a row more, one and several blocks of the chunked rungs, with a rest."""
TRAINED = (5, 20_001)
SCALES = (1.0, 10.0)
"""Of the initial parameters: at 10 most units are saturated, and a sigmoid must keep its digits near 0."""

ALONE = ("keras-jax", "keras-torch")
"""Keras takes one back end per process."""
SLOWEST = ("torch-compile", "torch-compile-manual", "torch-networks")
"""Many seconds to compile at each shape: only the largest batch, at scale 1."""
SLOW = (
    *("keras-fit", "keras-train-on-batch", "keras-graph", "keras-xla", "tensorflow-xla", "tensorflow-manual"),
    *("tensorflow-networks", "jax-eager", "equinox", *SLOWEST),
)
"""Seconds to compile, or tens of milliseconds for a call: only two batches, at scale 1."""
TUTORIAL_OVERFLOWS = ("numpy-tutorial",)
"""Warns of the overflow that it is known for; only scale 1."""
WITHOUT_GRADIENT = ("keras-train-on-batch", "keras-fit")
"""Keras's own training loops keep the gradient to themselves."""
COMPILED_FOR_FED = ("jax-eager", "equinox")
"""JAX compiles anew for the first rows that come from NumPy, where no sharding says that they go to the same device."""
UNSUPPORTED = {("keras-torch", "float64"), ("torch-cuda-graph", "float32"), ("torch-cuda-graph", "float64")}
"""Must say so: Keras computes matrix products in float32 there; a CUDA graph needs a GPU."""


SHARED = {"keras": "tensorflow", "equinox": "jax", "autograd": "numpy"}
"""Frameworks that stand on another's: one process imports it for both."""


def group(name: str) -> tuple[str, ...]:
    """The implementations that share a process with this one."""
    if name in ALONE:
        return (name,)

    def process(entry: Entry) -> str:
        return SHARED.get(entry.framework, entry.framework)

    mine = process(REGISTRY[name])
    return tuple(other for other, entry in REGISTRY.items() if other not in ALONE and process(entry) == mine)


Case = tuple[str, str, str, int, float, bool]
"""Implementation, problem, dtype, batch, scale, and whether training is tried as well."""


def cases(name: str) -> list[Case]:
    """Training at one row more than the truth table, and at several chunks: the other batches add compilations only."""
    batches = TRAINED[-1:] if name in SLOWEST else TRAINED if name in SLOW else BATCHES
    scales = SCALES[:1] if name in SLOW + TUTORIAL_OVERFLOWS else SCALES
    return [
        (name, problem, dtype, batch, scale, batch in TRAINED and scale == 1)
        for problem in PROBLEMS
        for dtype in DTYPES
        for batch in batches
        for scale in scales
    ]


@cache
def answers(names: tuple[str, ...]) -> dict[Case, dict[str, Any]]:
    """What a process that runs all cases of these implementations found."""
    wanted = [case for name in names if REGISTRY[name].missing() is None for case in cases(name)]
    headers = dict.fromkeys(HEADERS, "1")  # which pays for so many kernels
    answers = call("tests.impls.rung_cases:answers", {"cases": wanted}, timeout_s=TIME_LIMIT_S, environment=headers)
    return dict(zip(wanted, answers, strict=True))


@pytest.mark.slow
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("problem", PROBLEMS)
@pytest.mark.parametrize("name", [in_process(entry.name, group(entry.name)[0]) for entry in ENTRIES])
def test_a_rung_agrees_with_the_reference_in_every_pass(name: str, problem: str, dtype: str) -> None:
    """τ ≤ 1 for every result, at every batch and scale; value_and_grad can be repeated, and a loop is its steps."""
    if reason := REGISTRY[name].missing():
        pytest.skip(reason)
    for case, answer in answers(group(name)).items():
        if case[:3] != (name, problem, dtype):
            continue
        if (name, dtype) in UNSUPPORTED:
            assert "unavailable" in answer, f"{case} should be refused with a reason: {answer}"
            continue
        assert "found" in answer, f"{case}: {answer}"
        actual = dict(answer["found"])
        assert ("refused value_and_grad" in actual) == (name in WITHOUT_GRADIENT), case
        assert ("fed forward" in actual) == ("train_step" in actual), case
        # Rounding moves parameters by about 1e-7 (float32) or 1e-16 of themselves, a step by about 1e-2: a thousand
        # roundings, for what three steps make of them, are still far from a step too many.
        assert actual.pop("compiled for fed rows", 0) == 0 or name in COMPILED_FOR_FED, case
        assert actual.pop("train_loop apart", 0) <= {"float32": 1e-4, "float64": 1e-13}[dtype], case
        assert {key: tau for key, tau in actual.items() if not tau <= 1} == {}, case


def test_a_floor_without_a_compiler_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """The reason is known without importing or compiling anything."""
    monkeypatch.setenv("CC", "no-such-compiler")
    reason = REGISTRY["c-floor"].missing()
    assert reason is not None and "no-such-compiler" in reason and "install gcc or clang" in reason
    with pytest.raises(Unavailable, match="no-such-compiler"):
        REGISTRY["c-floor"].load()


def test_only_the_floor_is_a_floor() -> None:
    """The report draws it as a line, and no ratio takes it for a framework."""
    assert [name for name, entry in REGISTRY.items() if entry.is_floor] == ["c-floor"]


def test_numpy_fast_takes_any_depth_and_says_what_it_does_not_take() -> None:
    """One matrix of parameters is not made for two layers only; other activations are refused, not computed wrong."""
    numpy_fast = REGISTRY["numpy-fast"].load()
    rows = lambda batch, seed: (np.random.default_rng(seed).random((batch, 3)), np.ones((batch, 1)))  # noqa: E731
    deep = Problem("deep", (3, 5, 2, 4, 1), ("sigmoid",) * 4, rows)
    for batch in (5, 20_001):
        reference = Reference(deep, deep.parameters(), *deep.data(batch), "float64")
        implementation = numpy_fast()
        implementation.prepare(Task(deep, deep.parameters(), batch, "float64"))
        actual = implementation.to_numpy(implementation.value_and_grad())
        require(reference.agree("value_and_grad", actual), implementation="numpy-fast", case=f"deep batch={batch}")
    with pytest.raises(Unavailable, match="sigmoid layers and one output"):
        numpy_fast().prepare(Task(Problem("tanh", (3, 2, 1), ("tanh", "sigmoid"), rows), deep.parameters(), 4))
