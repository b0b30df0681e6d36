"""What an engine runs on each host: `pytest --benchmark-only` in a process of its own, alone on that host.

An engine's own resources are only words: two of its workers, or two engines, can be on one machine. A lock on a file
keeps them apart. It is named for the machine's boot and not for its host name: containers of one machine have names of
their own and the same CPUs. The measuring process inherits it, so that it holds for as long as anything is measured,
even where the worker that took it is killed.
"""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from samegrad.benchmarks.clock.environment import read_text
from samegrad.benchmarks.clock.identity import identity
from samegrad.impls.child import ROOT

LOCKS = Path("/tmp") if Path("/tmp").is_dir() else Path(tempfile.gettempdir())
"""The same folder for every user, whatever their TMPDIR is."""
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
GRACE_S = 30.0
LINES = 12


class Order(NamedTuple):
    """What to measure: pytest's options, for how long at most, and what is there already."""

    options: tuple[str, ...]
    limit_s: float
    earlier: str = ""
    """A run file to go on with."""


class Measured(NamedTuple):
    """A host's run file as text, empty where there is none; from when to when the host was held; pytest's end."""

    host: str
    content: str
    began_s: float
    ended_s: float
    status: int
    last_lines: tuple[str, ...]


class Lost(NamedTuple):
    """Why a host has no result."""

    reason: str


Measure = Callable[[Order, Mapping[str, str], Path, Callable[[str], None]], Iterator[tuple[str, Measured | Lost]]]
"""What an engine gives: for an order, the earlier files by host, a folder and what says the progress, each host's name
and result as it comes in."""


@contextmanager
def locked(path: Path) -> Iterator[int]:
    """Hold a lock and give its descriptor; waits for whoever holds it."""
    try:
        lock = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    except FileNotFoundError:
        lock = os.open(path, os.O_RDONLY | os.O_CREAT | os.O_NOFOLLOW, 0o666)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield lock
    finally:
        os.close(lock)


def lock_of_this_machine(boot_id: Path = BOOT_ID) -> Path:
    """The file that all who measure on this machine lock. It is named for the host where the boot has no name."""
    return LOCKS / f"samegrad-{read_text(boot_id) or identity()['host']}.lock"


def measure(order: Order, unset: Mapping[str, Any] | None = None) -> Measured:
    """Measure on this host, as soon as nothing else is measured on it.

    `unset`: variables that the engine has set for its workers, to be dropped where they have this value.
    """
    host = identity()["host"]
    with tempfile.TemporaryDirectory(prefix="samegrad-hosts-") as folder, locked(lock_of_this_machine()) as lock:
        began_s, saved = time.time(), Path(folder, "run.json")
        options = [*order.options, f"--benchmark-json={saved}"]
        if order.earlier:
            Path(folder, "earlier.json").write_text(order.earlier, encoding="utf-8")
            options.append(f"--resume={Path(folder, 'earlier.json')}")
        status, lines = _pytest(options, order.limit_s, environment(unset or {}), lock, Path(folder, "output"))
        content = saved.read_text(encoding="utf-8") if saved.exists() else ""
        return Measured(host, content, began_s, time.time(), status, tuple(lines))


def environment(unset: Mapping[str, Any]) -> dict[str, str]:
    """This process's, without what the engine has set: it would be recorded as the user's."""
    return {name: value for name, value in os.environ.items() if str(unset.get(name)) != value}


def _pytest(
    options: Sequence[str], limit_s: float, environ: Mapping[str, str], lock: int, output: Path
) -> tuple[int, list[str]]:
    """Run it, and give its exit status and last lines. After the limit it is asked to end, and then made to."""
    command = [sys.executable, "-m", "samegrad.benchmarks.hosts.leash", "--benchmark-only", *options]
    is_clone = (ROOT / "pyproject.toml").exists()
    if not is_clone:
        command += ["-p", "samegrad.benchmarks.plugin", "--import-mode=importlib", "--pyargs", "samegrad.benchmarks"]
    with output.open("wb") as stream:
        process = subprocess.Popen(
            command,
            cwd=ROOT if is_clone else output.parent,
            env=dict(environ),
            stdin=subprocess.PIPE,
            stdout=stream,
            stderr=stream,
            pass_fds=[lock],
        )
        try:
            status, more = process.wait(limit_s), []
        except subprocess.TimeoutExpired:
            more = [f"it took longer than {limit_s:g} s"]
            process.terminate()
            try:
                status = process.wait(GRACE_S)
            except subprocess.TimeoutExpired:
                process.kill()
                status = process.wait()
        finally:
            if process.stdin:
                process.stdin.close()
    lines = output.read_text(encoding="utf-8", errors="replace").splitlines()
    return status, [*[line for line in lines if line.strip()][-LINES:], *more]
