"""The same work under stock pytest-benchmark, with its defaults: `pytest` on this file alone, in a fresh process.

Not collected by the project's own runs: `session` runs it as a user would run a file of benchmarks, and leaves the
JSON that pytest-benchmark writes.
"""

from __future__ import annotations

import os
import timeit
from pathlib import Path
from typing import Any

import pytest

from samegrad.benchmarks.clock import noise
from samegrad.benchmarks.clock.selfcheck import subjects


@pytest.mark.parametrize("subject", ["plain", "again", "slower_by_5", "slower_by_3"])
def test_pairs(benchmark: Any, subject: str) -> None:
    """The work of `trials.pairs`, one after the other."""
    benchmark(getattr(subjects, subject)())


def test_bias(benchmark: Any) -> None:
    """A callable of 4 µs, which timeit times before and after."""
    call = noise.yardstick()
    timer = timeit.Timer(call)
    calls, _ = timer.autorange()
    before_s = timer.timeit(calls) / calls
    benchmark(call)
    benchmark.extra_info["timeit_s"] = (before_s * timer.timeit(calls) / calls) ** 0.5


@pytest.mark.parametrize("subject", ["slow_first", "quick"])
def test_first(benchmark: Any, subject: str) -> None:
    """The callables of `trials.first`."""
    benchmark(getattr(subjects, subject)())


def session(tests: str, out: str) -> None:
    """Run those tests, selected as by -k, by stock pytest-benchmark in this process. Raises RuntimeError."""
    alone = ("-c", os.devnull, f"--rootdir={Path(out).parent}", "-p", "no:cacheprovider", "--import-mode=importlib")
    code = pytest.main(["-q", *alone, f"--benchmark-json={out}", "-k", tests, __file__])
    if code != 0:
        raise RuntimeError(f"pytest ended with {code!r}")
