"""The crew: a worker process per implementation, started pinned and with its threads limited, never outliving us."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.clock import scratch

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

LOOK_S = 1.0
"""How long the parent sleeps at most while it waits: no more is counted as waiting where it was stopped meanwhile."""


def environment(threads: int) -> dict[str, str]:
    """The environment of a process that is to be measured: pools limited, memory not taken in advance.

    It finds the packages that this process finds, though it is started in another folder.
    """
    limits = dict.fromkeys(THREAD_VARIABLES, str(threads)) | MEMORY_VARIABLES
    folders = filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))
    return dict(os.environ) | limits | {"PYTHONPATH": os.pathsep.join(map(os.path.abspath, folders))}


class WorkerFailed(Exception):
    """A worker refused, died, hung or answered nonsense.

    `kind` is "unavailable", "disagreement", "bad input", "out of memory" or "exception" for an answer, "died", "hung"
    or "nonsense" where the worker is gone. `stderr` has its last lines, after the traceback where it answered with one.
    """

    def __init__(self, kind: str, reason: str, stderr: list[str]) -> None:
        super().__init__(reason)
        self.kind, self.reason, self.stderr = kind, reason, stderr

    @property
    def is_foreseen(self) -> bool:
        """Whether the reason says it all."""
        return self.kind in ("unavailable", "disagreement", "bad input")

    @property
    def is_gone(self) -> bool:
        return self.kind in ("died", "hung", "nonsense")


class WorkerProcess:
    """The parent's end of one worker. Raises WorkerFailed where the system cannot start a process.

    time_limit_s: for one answer; from `prepare` on for all answers about that case together.
    """

    def __init__(self, name: str, threads: int, time_limit_s: float) -> None:
        self.name, self.time_limit_s = name, time_limit_s
        self._case_left_s: float | None = None
        try:
            self._scratch = tempfile.mkdtemp(dir=scratch.folder())
            self._stderr = tempfile.TemporaryFile(dir=self._scratch)  # noqa: SIM115 (closed by close)
            self._process = subprocess.Popen(
                [sys.executable, "-m", "benchmarks.clock.worker"],
                cwd=ROOT,
                env=environment(threads) | scratch.variables(self._scratch),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._stderr,
                **scratch.OWN_GROUP,
            )
        except OSError as error:
            raise WorkerFailed("died", f"{name}'s worker could not be started: {error}", []) from None
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
            lines = [*answer.get("traceback", []), *self.last_lines()]
            raise WorkerFailed(answer["failed"], answer["reason"], lines)
        return answer

    def _read_line(self, do: str) -> bytes:
        """The next answer. Only time that this process was awake for is counted against the limit."""
        assert self._process.stdout is not None
        if do == "prepare":
            self._case_left_s = self.time_limit_s
        left_s = self.time_limit_s if self._case_left_s is None else self._case_left_s
        while b"\n" not in self._buffer:
            if left_s <= 0:
                raise self._gone("hung", self._too_late(do))
            look_s, began_s = min(LOOK_S, left_s), time.monotonic()
            is_readable = self._selector.select(look_s)
            left_s -= min(look_s, time.monotonic() - began_s)
            chunk = os.read(self._process.stdout.fileno(), 1 << 16) if is_readable else None
            if chunk == b"":
                raise self._gone("died", f"{self.name}'s worker died during {do!r} {self._status()}")
            self._buffer += chunk or b""
        if self._case_left_s is not None:
            self._case_left_s = left_s
        line, _, self._buffer = self._buffer.partition(b"\n")
        return line

    def _too_late(self, do: str) -> str:
        if do == "prepare" or self._case_left_s is None:
            return f"{self.name} gave no answer to {do!r} within {self.time_limit_s:g} s"
        return f"{self.name} did not finish the case within {self.time_limit_s:g} s; it was at {do!r}"

    def _status(self) -> str:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=5)
        return status(self._process.returncode)

    def _gone(self, kind: str, reason: str) -> WorkerFailed:
        failed = WorkerFailed(kind, reason, self.last_lines())
        self.close()
        return failed

    def last_lines(self) -> list[str]:
        """The last lines that the worker wrote to standard error."""
        if self.is_closed:
            return []
        self._stderr.seek(max(0, self._stderr.seek(0, os.SEEK_END) - 20_000))
        return self._stderr.read().decode(errors="replace").splitlines()[-STDERR_LINES:]

    @property
    def is_closed(self) -> bool:
        return self._stderr.closed

    def close(self) -> None:
        """End the process, now. A second time does nothing."""
        if self.is_closed:
            return
        _kill(self._process)
        self._process.wait()
        self._selector.close()
        for stream in (self._process.stdin, self._process.stdout, self._stderr):
            with contextlib.suppress(OSError):
                stream.close()  # type: ignore[union-attr]
        shutil.rmtree(self._scratch, ignore_errors=True)


def _kill(process: subprocess.Popen[bytes]) -> None:
    """End a worker and what it has started, where the platform has process groups; the worker may be dead already."""
    if scratch.OWN_GROUP:
        with contextlib.suppress(ProcessLookupError, PermissionError):  # nobody is left, or only the unburied
            os.killpg(process.pid, signal.SIGKILL)
    elif process.poll() is None:
        process.kill()


def status(code: int | None) -> str:
    """How a process ended, for people: (exit status 3), (signal 11, SIGSEGV)."""
    if code is None or code >= 0:
        return f"(exit status {code})"
    name = signal.Signals(-code).name if -code in set(signal.Signals) else "unknown"
    hint = "; the system kills so where memory runs out" if name == "SIGKILL" else ""
    return f"(signal {-code}, {name}{hint})"


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
