"""Processes of our own: each owns one framework, has few threads and limited time, and never outlives this one.

    call("samegrad.impls.checking.agree:measure", {"implementation": "torch-eager", …}, timeout_s=600)    one answer
    Child("samegrad.benchmarks.clock.worker:Worker", …)                                                  many, by `ask`

A child answers over a socket of its own (`serve.py` is its end). Whatever is printed there, on standard output or
error, goes to a file, whose last lines are shown when the child fails. It runs in a process group and with a temporary
folder of its own: TensorFlow leaves a file for every function that it traces, and a killed process clears nothing up.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import selectors
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import weakref
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from samegrad.impls.errors import BadInput, Unavailable
from samegrad.impls.machine.caches import private_folder

ROOT = Path(__file__).parents[2]

THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "TF_NUM_INTRAOP_THREADS",
    "TF_NUM_INTEROP_THREADS",
    "NPROC",
)
"""Variables that the frameworks read at import: OpenMP, three BLAS, TensorFlow's two pools, XLA's CPU client."""

HEAP_VARIABLES = {"MALLOC_MMAP_THRESHOLD_": str(32 << 20), "MALLOC_TRIM_THRESHOLD_": str(64 << 20)}
"""The *kept heap*: glibc keeps what is freed, as it does by itself in a process that has once freed a block of 32 MiB.

Otherwise it depends on the largest block freed so far whether each call's arrays are faulted in anew (docs/clock.md).
"""

MEMORY_VARIABLES = {"XLA_PYTHON_CLIENT_PREALLOCATE": "false", "TF_FORCE_GPU_ALLOW_GROWTH": "true", **HEAP_VARIABLES}
"""Without the first two the first framework on a GPU takes most of its memory, and the others starve."""

HEADERS = {"TORCHINDUCTOR_CPP_CACHE_PRECOMPILE_HEADERS": "0"}
"""PyTorch precompiles them in the temporary folder, which is each child's own: seven seconds before the first kernel,
even where that is cached. It pays from some six new kernels on."""

STDERR_LINES = 12
"""The most last lines of output that are kept."""

LOOK_S = 1.0
"""Seconds between polls. Where this process was stopped meanwhile, no more than that is charged to the time limit."""

OWN_GROUP: dict[str, Any] = {"process_group": 0} if hasattr(os, "killpg") else {}
"""Arguments for a process that a signal to this one's group, such as Ctrl-C, must not reach."""

REMOVE = "import shutil, sys; sys.stdin.read(); shutil.rmtree(sys.argv[1], ignore_errors=True)"
"""A program that removes a folder once its standard input ends, whose other end is open in this process."""


class Failed(Exception):
    """A child refused, died, hung or answered nonsense.

    `kind` is "unavailable", "disagreement", "impossible", "handicapped", "bad input", "out of memory" or "exception"
    for an answer, "died", "hung" or "nonsense" where the child is gone. `stderr` has its last lines, after the
    traceback where it answered with one.
    """

    def __init__(self, kind: str, reason: str, stderr: list[str]) -> None:
        super().__init__(reason)
        self.kind, self.reason, self.stderr = kind, reason, stderr

    @property
    def is_foreseen(self) -> bool:
        """Whether the reason is complete without the last lines."""
        return self.kind in ("unavailable", "disagreement", "impossible", "handicapped", "bad input")

    @property
    def is_gone(self) -> bool:
        return self.kind in ("died", "hung", "nonsense")


def call(
    target: str,
    arguments: Mapping[str, Any],
    *,
    timeout_s: float,
    threads: int = 1,
    environment: Mapping[str, str] | None = None,
    folder: Path = ROOT,
) -> Any:
    """Call the function `target` ("module:name") with these JSON-able arguments in a child of its own.

    Raises BadInput and Unavailable as the function raised them, and Failed, with one line, for any other end.
    """
    child = Child(None, "", threads, timeout_s, environment, folder)
    try:
        return child.ask(target, **arguments)
    except Failed as failed:
        for refusal in (BadInput, Unavailable):
            if failed.kind == refusal.refusal:
                raise refusal(failed.reason) from None
        last = f": {failed.stderr[-1]}" if failed.kind == "died" and failed.stderr else ""
        raise Failed(failed.kind, " ".join(f"{failed.reason}{last}".split()), failed.stderr) from None
    finally:
        child.close()


class Child:
    """This process's end of one child. Raises Failed where the system cannot start a process.

    It serves an object of the class `target`, or functions where that is None. Messages use `name`, with `what`
    where the process itself is meant. It runs on the CPUs that this process is pinned to when it starts it, in
    the interpreter `python`.
    """

    what = "process"

    def __init__(
        self,
        target: str | None,
        name: str,
        threads: int,
        time_limit_s: float,
        variables: Mapping[str, str] | None = None,
        folder: Path = ROOT,
        python: str = sys.executable,
    ) -> None:
        self.name, self.time_limit_s, self.python = name, time_limit_s, python
        self.waited_s, self._buffer = 0.0, b""
        self._process_name = f"{name}'s {self.what}" if name else ""
        with contextlib.ExitStack() as opened:
            try:
                self._start(opened, target, environment(threads) | dict(variables or {}), folder)
            except OSError as error:
                raise Failed("died", f"{self._process_name} could not be started: {error}".strip(), []) from None
            self._closing = opened.pop_all()
        _living.add(self)

    def _start(self, opened: contextlib.ExitStack, target: str | None, variables: dict[str, str], folder: Path) -> None:
        """Start the process; `opened` gets what is to be closed in the end."""
        scratch = tempfile.mkdtemp(dir=scratch_folder())
        opened.callback(shutil.rmtree, scratch, ignore_errors=True)
        self._stderr = opened.enter_context(tempfile.TemporaryFile(dir=scratch))  # noqa: SIM115 (closed by `close`)
        self._channel, theirs = socket.socketpair()
        opened.enter_context(self._channel)
        with theirs:
            self._process = subprocess.Popen(
                [self.python, "-m", "samegrad.impls.serve", str(theirs.fileno()), *([target] if target else [])],
                cwd=folder,
                env=variables | temporary_variables(scratch),
                stdin=subprocess.DEVNULL,
                stdout=self._stderr,
                stderr=self._stderr,
                pass_fds=[theirs.fileno()],
                **OWN_GROUP,
            )
        self._selector = opened.enter_context(selectors.DefaultSelector())
        self._selector.register(self._channel, selectors.EVENT_READ)
        opened.callback(self._process.wait)
        opened.callback(self.kill)

    @property
    def pid(self) -> int:
        return self._process.pid

    def ask(self, do: str, **request: Any) -> Any:
        """Send one request and return its answer. Raises Failed."""
        self.send(do, **request)
        return self.receive(do)

    def send(self, do: str, **request: Any) -> None:
        """Send one request, without waiting. Raises Failed where the child is dead."""
        try:
            self._channel.sendall(json.dumps({"do": do, "with": request}).encode() + b"\n")
        except OSError:  # its end is gone, or ours is closed
            raise self._gone("died", f"{self._process_name} is dead {self._status()}") from None

    def receive(self, do: str) -> Any:
        """Wait for the answer to a request that was sent. Raises Failed."""
        line = self._read_line(do.rpartition(":")[2], self.limit_s(do))
        try:
            answer = json.loads(line)
            if not isinstance(answer, dict):
                raise ValueError
        except ValueError:
            raise self._gone("nonsense", f"{self.name} answered {do!r} with {line[:80]!r}, not with JSON") from None
        if "failed" in answer:
            lines = [*answer.get("traceback", []), *self.last_lines()]
            raise Failed(answer["failed"], answer["reason"], lines)
        return answer["answer"]

    def _read_line(self, do: str, limit_s: float) -> bytes:
        """The next answer. Only time that this process was awake for is counted: in `waited_s`, against the limit."""
        self.waited_s = 0.0
        while b"\n" not in self._buffer:
            if self.waited_s >= limit_s:
                raise self._gone("hung", self.too_late(do))
            look_s, began_s = min(LOOK_S, limit_s - self.waited_s), time.monotonic()
            is_readable = self._selector.select(look_s)
            self.waited_s += min(look_s, time.monotonic() - began_s)
            try:
                chunk = self._channel.recv(1 << 16) if is_readable else None
            except ConnectionResetError:  # it died before it read the request
                chunk = b""
            if chunk == b"" or (chunk is None and self._process.poll() is not None):
                raise self._gone("died", f"{self._process_name} died during {do!r} {self._status()}")
            self._buffer += chunk or b""
        line, _, self._buffer = self._buffer.partition(b"\n")
        return line

    def limit_s(self, do: str) -> float:
        """How long the answer to that request may take."""
        return self.time_limit_s

    def too_late(self, do: str) -> str:
        """The message where the answer takes longer."""
        return f"{self.name} gave no answer to {do!r} within {self.time_limit_s:g} s"

    def _status(self) -> str:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=5)
        return status(self._process.returncode)

    def _gone(self, kind: str, reason: str) -> Failed:
        failed = Failed(kind, reason.strip(), self.last_lines())
        self.close()
        return failed

    def last_lines(self) -> list[str]:
        """The last lines that the child wrote to standard output and error."""
        if self.is_closed:
            return []
        self._stderr.seek(max(0, self._stderr.seek(0, os.SEEK_END) - 20_000))
        return self._stderr.read().decode(errors="replace").splitlines()[-STDERR_LINES:]

    @property
    def is_closed(self) -> bool:
        return self._stderr.closed

    def kill(self) -> None:
        """End the child and what it has started, where the platform has process groups; it may be dead already."""
        if OWN_GROUP:
            with contextlib.suppress(ProcessLookupError, PermissionError):  # nobody is left, or only the unburied
                os.killpg(self._process.pid, signal.SIGKILL)
        elif self._process.poll() is None:
            self._process.kill()

    def close(self) -> None:
        """End the child, now, and remove its temporary folder. A second time does nothing."""
        if not self.is_closed:
            _living.discard(self)
            self._closing.close()


_living: weakref.WeakSet[Child] = weakref.WeakSet()


def kill_all() -> None:
    """End every child that is alive, whichever thread waits for it."""
    for child in list(_living):
        child.kill()


def environment(threads: int) -> dict[str, str]:
    """The environment of a child: pools limited, memory not taken in advance, no headers precompiled for it alone.

    It finds our packages and those that this process finds, though it is started in another folder.
    """
    folders = filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))
    path = os.pathsep.join([str(ROOT), *map(os.path.abspath, folders)])
    return (
        HEADERS
        | dict(os.environ)
        | dict.fromkeys(THREAD_VARIABLES, str(threads))
        | MEMORY_VARIABLES
        | {"PYTHONPATH": path}
    )


@cache
def scratch_folder() -> str:
    """The folder of the children's temporary folders, for this process's lifetime. Raises OSError.

    A small process of its own removes it when this one has ended, however it ended.
    """
    path = tempfile.mkdtemp(prefix="samegrad-")
    remover = subprocess.Popen([sys.executable, "-I", "-S", "-c", REMOVE, path], stdin=subprocess.PIPE, **OWN_GROUP)
    atexit.register(remover.communicate)
    return path


def temporary_variables(path: str) -> dict[str, str]:
    """The variables that make this a process's temporary folder. What PyTorch compiles is kept, in a private folder.

    Keras writes its settings there, too, and reads none of the user's: without a home it would make a folder `~`.
    """
    variables = dict.fromkeys(("TMPDIR", "TEMP", "TMP", "KERAS_HOME"), path)
    if "TORCHINDUCTOR_CACHE_DIR" not in os.environ:
        try:
            variables["TORCHINDUCTOR_CACHE_DIR"] = str(private_folder("torchinductor"))
        except Unavailable:
            variables["TORCHINDUCTOR_CACHE_DIR"] = os.path.join(path, "torchinductor")
    return variables


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
    try:  # around the first call too: it may wait for the CPU, and Ctrl-C then comes as it returns
        os.sched_setaffinity(0, cpus)
        yield
    finally:
        os.sched_setaffinity(0, before)
