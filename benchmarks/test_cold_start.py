"""What a new process pays before the steady state: `pytest --benchmark-only -k cold_start`.

Import, build, first call and second call of every implementation, each in five new processes. Never mixed with the
steady state, and run only when asked for, since it takes several seconds for each implementation and process.
"""

from __future__ import annotations

from typing import Any

from samegrad.benchmarks.session import Replay, Session


def test_cold_start(benchmark: Any, replay: Replay, implementation: str, phase: str, session: Session) -> None:
    """One phase of one implementation's start."""
    session.report_cold_start(benchmark, replay, implementation, phase)
