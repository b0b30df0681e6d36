"""Runs of several made-up machines, whose true ratios are known."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.reports.conftest import FIXED_NS_AND_NS_PER_ROW, synthetic

IDENTITY = {
    "cpu": "AMD EPYC 7B13",
    "architecture": "x86_64",
    "cores": 2,
    "memory_gib": 24,
    "hypervisor": "KVM",
    "microcode": "0x1",
    "kernel": "6.1.0",
}


def machine(number: int, tau: float = 0.03, kind: str = "6.1.0", **how: Any) -> dict[str, Any]:
    """A run of a host of its own: each implementation's times are off by exp(N(0, τ²)), and all by one factor."""
    random = np.random.default_rng(100 + number)
    off = {
        name: (framework, execution, *(ns * np.exp(random.normal(0, tau)) for ns in times))
        for name, (framework, execution, *times) in FIXED_NS_AND_NS_PER_ROW.items()
    }
    how = {"problems": ("xor",), "passes": ("value_and_grad",), "batches": (4, 16384)} | how
    run = synthetic(off, seed=number, factor=float(np.exp(random.normal(0, 1))), **how)
    run["samegrad"]["environment"]["identity"] = IDENTITY | {"kernel": kind, "host": f"{number:012}"}
    run["datetime"] = f"2026-11-22T12:00:{number:02}+00:00"
    return run


def without_rounds(run: dict[str, Any]) -> dict[str, Any]:
    """As a file of the gallery has it."""
    for benchmark in run["benchmarks"]:
        benchmark["stats"] = {"data": []}
    return run
