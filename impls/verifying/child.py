"""A process of its own for code that nobody has checked: what it prints, raises or starts cannot disturb the parent.

The parent writes one request and reads messages until it knows enough. Each is a line

    hmac-sha256(key, number of the message and content)  content as JSON

The key goes to the child with the request. A line that does not fit, whoever wrote it to the pipe, is passed over; so
is every line of a process that the child was forked into. The child is the leader of a process group. The whole group
ends with it, with its parent (whose end closes the pipe that the child watches), and at the time limit.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import itertools
import os
import secrets
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from samegrad.impls.verifying import messages

ROOT = Path(__file__).parents[3]
NO_PLOTS = "samegrad.impls.verifying.target.no_plots"
LARGEST = 1 << 28
"""The most bytes that a child may send in all."""


class Ended(Exception):
    """Raised where the child gave no answer; the message says how it ended."""


def _sign(key: bytes, number: int, content: bytes) -> bytes:
    return hmac.new(key, b"%d " % number + content, hashlib.sha256).hexdigest().encode()


class TargetProcess:
    """The process of `module` (`python -m module READ WRITE`), as a context: it and all that it started end with it."""

    def __init__(self, module: str, request: dict[str, Any], time_limit_s: float) -> None:
        self.end = time.monotonic() + time_limit_s
        self.time_limit_s = time_limit_s
        self.key = secrets.token_bytes(32)
        down_read, self.down = os.pipe()
        self.up, up_write = os.pipe()
        environment = {
            **os.environ,
            "MPLBACKEND": f"module://{NO_PLOTS}",
            "JAX_ENABLE_X64": "1",
            "JAX_PLATFORMS": "cpu",
        }
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
        environment["PYTHONIOENCODING"] = "utf-8"
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", module, str(down_read), str(up_write)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=[down_read, up_write],
            start_new_session=True,
            env=environment,
        )
        os.close(down_read)
        os.close(up_write)
        line = messages.dumps({"key": self.key.hex(), "request": request}).encode() + b"\n"
        with contextlib.suppress(BrokenPipeError):  # it has died; reading says how
            _send(self.down, line)

    def messages(self) -> Iterator[dict[str, Any]]:
        """What the child sends, one message after the other, until it is done. Raises Ended for any other end."""
        number = 0
        for line in self._lines():
            signature, _, content = line.partition(b" ")
            if not hmac.compare_digest(signature, _sign(self.key, number, content)):
                continue
            number += 1
            message = messages.loads(content)
            if message.get("done"):
                return
            yield message
        self._say_how_it_ended()

    def _lines(self) -> Iterator[bytes]:
        left, received = b"", 0
        while True:
            wait = self.end - time.monotonic()
            if wait <= 0 or not select.select([self.up], [], [], wait)[0]:
                raise Ended(
                    f"it did not finish within {self.time_limit_s:g} s (--time-limit); does the file train when it is "
                    'imported? Put that under `if __name__ == "__main__":`'
                )
            piece = os.read(self.up, 1 << 16)
            received += len(piece)
            if not piece or received > LARGEST:
                return
            *whole, left = (left + piece).split(b"\n")
            yield from whole

    def _say_how_it_ended(self) -> None:
        try:
            code = self.process.wait(timeout=0.5)
        except subprocess.TimeoutExpired:
            raise Ended("the target closed the channel on which its answer was due") from None
        how = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
        raise Ended(f"the target ended its process ({how}) before it gave an answer")

    def __enter__(self) -> TargetProcess:
        return self

    def __exit__(self, *exception: Any) -> None:
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            self.process.kill()
        self.process.wait()
        os.close(self.down)
        os.close(self.up)


# -- in the child -----------------------------------------------------------------------------------------------------


def serve(answer: Callable[[dict[str, Any]], Iterator[dict[str, Any]]], down: int, up: int) -> None:
    """Read the request, send what `answer` gives for it, message by message, and end the process group."""
    line = b""
    while not line.endswith(b"\n"):
        line += os.read(down, 1 << 16) or os._exit(0)  # type: ignore[func-returns-value]
    request = messages.loads(line)
    key, mine = bytes.fromhex(request["key"]), os.getpid()
    threading.Thread(target=_end_with_parent, args=(down,), daemon=True).start()
    for number, message in enumerate(itertools.chain(answer(request["request"]), [{"done": True}])):
        if os.getpid() != mine:
            os._exit(0)  # a process that the target forked is not asked
        content = messages.dumps(message).encode()
        _send(up, b"\n" + _sign(key, number, content) + b" " + content + b"\n")
    os.killpg(0, signal.SIGKILL)


def _send(pipe: int, line: bytes) -> None:
    while line:
        line = line[os.write(pipe, line) :]


def _end_with_parent(down: int) -> None:
    """Wait until the parent's end of the pipe is closed, by itself or by its death, and end the group."""
    while os.read(down, 4096):
        pass
    os.killpg(0, signal.SIGKILL)
