"""Time per call of every pass, of every implementation, on every problem: `pytest --benchmark-only`.

What is parametrised here is chosen by the options in `plugin.py`. All implementations of one group are measured
interleaved before the first of these tests reports; each test then replays its own implementation's rounds into
pytest-benchmark, whose table, files and comparisons work on them as on its own.
"""

from __future__ import annotations

from typing import Any

from samegrad.benchmarks.clock.case import Case
from samegrad.benchmarks.session import Replay, Session


def test_pass(benchmark: Any, replay: Replay, implementation: str, case: Case, session: Session) -> None:
    """One implementation's pass, checked against the reference in the process that times it."""
    session.report(benchmark, replay, implementation, case)
