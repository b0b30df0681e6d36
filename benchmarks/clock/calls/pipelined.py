"""The call of `value_and_grad:pipelined` and its like: calls that only enqueue, and one wait for them all."""

from __future__ import annotations

from typing import Any

from samegrad.benchmarks.clock.calls.base import PassCall


class PipelinedCall(PassCall):
    """A pass that does not wait; `finish` waits for the results of all calls since the last.

    Where a framework computes before it returns, on most CPUs, there is nothing to overlap: the time is its latency.
    """

    def bind(self) -> None:
        super().bind()
        self.pending: list[Any] = []
        self.wait = self.implementation.wait
        self.implementation.wait = self._enqueue  # type: ignore[method-assign]
        self.finish = self._finish

    def _enqueue(self, result: Any) -> Any:
        self.pending.append(result)
        return result

    def _finish(self) -> None:
        self.wait(self.pending)
        self.pending.clear()
