"""The crew: a worker process per implementation, started pinned and with its threads limited, never outliving us."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]

THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "TF_NUM_INTRAOP_THREADS",
    "TF_NUM_INTEROP_THREADS",
    "NPROC",
)
"""Read by the frameworks at import: OpenMP, three BLAS, TensorFlow's two pools, XLA's CPU client."""

MEMORY_VARIABLES = {"XLA_PYTHON_CLIENT_PREALLOCATE": "false", "TF_FORCE_GPU_ALLOW_GROWTH": "true"}
"""Without these the first framework on a GPU takes most of its memory, and the others starve."""

STDERR_LINES = 12


def environment(threads: int) -> dict[str, str]:
    """The environment of a process that is to be measured: pools limited, memory not taken in advance."""
    return dict(os.environ) | dict.fromkeys(THREAD_VARIABLES, str(threads)) | MEMORY_VARIABLES


class WorkerFailed(Exception):
    """A worker refused, died, hung or answered nonsense.

    `kind` is "unavailable", "disagreement", "bad input" or "exception" for an answer, "died", "hung" or "nonsense"
    where the worker is gone.
    """

    def __init__(self, kind: str, reason: str, stderr: list[str]) -> None:
        super().__init__(reason)
        self.kind, self.reason, self.stderr = kind, reason, stderr

    @property
    def is_gone(self) -> bool:
        return self.kind in ("died", "hung", "nonsense")


class WorkerProcess:
    """The parent's end of one worker."""

    def __init__(self, name: str, threads: int, time_limit_s: float) -> None:
        self.name, self.time_limit_s = name, time_limit_s
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115 (closed by close)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.clock.worker"],
            cwd=ROOT,
            env=environment(threads),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._stderr,
        )
        assert self._process.stdout is not None
        self._buffer = b""
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._process.stdout, selectors.EVENT_READ)

    def ask(self, do: str, **request: Any) -> dict[str, Any]:
        """Send one request and return its answer. Raises WorkerFailed."""
        self.send(do, **request)
        return self.receive(do)

    def send(self, do: str, **request: Any) -> None:
        """Send one request, without waiting. Raises WorkerFailed where the worker is dead."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps({"do": do, **request}).encode() + b"\n")
            self._process.stdin.flush()
        except (OSError, ValueError):  # a broken pipe, or one that was closed
            raise self._gone("died", f"{self.name}'s worker is dead {self._status()}") from None

    def receive(self, do: str) -> dict[str, Any]:
        """Wait for the answer to a request that was sent. Raises WorkerFailed."""
        line = self._read_line(do)
        try:
            answer = json.loads(line)
            if not isinstance(answer, dict):
                raise ValueError
        except ValueError:
            raise self._gone("nonsense", f"{self.name} answered {do!r} with {line[:80]!r}, not with JSON") from None
        if "failed" in answer:
            raise WorkerFailed(answer["failed"], answer["reason"], self.last_lines())
        return answer

    def _read_line(self, do: str) -> bytes:
        assert self._process.stdout is not None
        deadline_s = time.monotonic() + self.time_limit_s
        while b"\n" not in self._buffer:
            if not self._selector.select(max(0.0, deadline_s - time.monotonic())):
                raise self._gone("hung", f"{self.name} gave no answer to {do!r} within {self.time_limit_s:g} s")
            chunk = os.read(self._process.stdout.fileno(), 1 << 16)
            if not chunk:
                raise self._gone("died", f"{self.name}'s worker died during {do!r} {self._status()}")
            self._buffer += chunk
        line, _, self._buffer = self._buffer.partition(b"\n")
        return line

    def _status(self) -> str:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=5)
        code = self._process.returncode
        return f"(signal {-code})" if code is not None and code < 0 else f"(exit status {code})"

    def _gone(self, kind: str, reason: str) -> WorkerFailed:
        failed = WorkerFailed(kind, reason, self.last_lines())
        self.close()
        return failed

    def last_lines(self) -> list[str]:
        """The last lines that the worker wrote to standard error."""
        if self._stderr.closed:
            return []
        self._stderr.seek(max(0, self._stderr.seek(0, os.SEEK_END) - 20_000))
        return self._stderr.read().decode(errors="replace").splitlines()[-STDERR_LINES:]

    def close(self) -> None:
        """End the process, now."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        self._selector.close()
        for stream in (self._process.stdin, self._process.stdout, self._stderr):
            with contextlib.suppress(OSError):
                stream.close()  # type: ignore[union-attr]


def pinnable() -> list[int]:
    """The CPUs that this process may use, or an empty list where the platform cannot pin."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []


@contextlib.contextmanager
def pinned(cpus: list[int]) -> Iterator[None]:
    """Run on these CPUs for a while; what is started meanwhile inherits them for its life. No CPUs: no pinning."""
    if not cpus:
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cpus)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
