"""The crew: a worker process per implementation, the parent's end of `worker.py`."""

from __future__ import annotations

from samegrad.benchmarks.clock.contestant import HERE, WORKER, WorkerPlace
from samegrad.impls.child import Child


class WorkerProcess(Child):
    """The parent's end of a worker process, which serves an object of the class `kind`, where `place` says.

    Raises Failed where the system cannot start a process.
    time_limit_s: for one answer; from `prepare` on for all answers about that case together.
    """

    what = "worker"

    def __init__(
        self, name: str, threads: int, time_limit_s: float, place: WorkerPlace = HERE, kind: str = WORKER
    ) -> None:
        super().__init__(kind, name, threads, time_limit_s, place.variables, place.folder, place.python)
        self._case_left_s: float | None = None

    def limit_s(self, do: str) -> float:
        if do == "prepare":
            self._case_left_s = self.time_limit_s
        elif self._case_left_s is not None:
            self._case_left_s -= self.waited_s
        return self.time_limit_s if self._case_left_s is None else self._case_left_s

    def too_late(self, do: str) -> str:
        if do == "prepare" or self._case_left_s is None:
            return super().too_late(do)
        return f"{self.name} did not finish the case within {self.time_limit_s:g} s; it was at {do!r}"
