"""A real terminal of 80 columns for a command, and what it shows: what a pipe or a captured stream never tells."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path


class Shown:
    """A process on a terminal of its own. `raw` is all its output, `text` the same without a terminal's codes."""

    def __init__(self, process: subprocess.Popen, terminal: int) -> None:
        self.process, self._terminal, self.raw, self.text = process, terminal, b"", ""

    def until(self, pattern: str, limit_s: float = 120.0) -> str:
        """Read until it has written that; its end, where it never does, is an error with all its output."""
        end_s = time.monotonic() + limit_s
        while not re.search(pattern, self.text):
            assert self._read() and time.monotonic() < end_s, self.text
        return self.text

    def ended(self) -> int:
        """Read to its end, and return its exit status."""
        while self._read():
            pass
        return self.process.wait()

    def _read(self) -> bool:
        try:
            piece = os.read(self._terminal, 65536)
        except OSError:  # its end, as Linux reports it
            return False
        self.raw += piece
        self.text = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", self.raw.decode(errors="replace"))
        return bool(piece)


@contextlib.contextmanager
def shown(command: Sequence[object], cwd: Path, variables: Mapping[str, str] | None = None) -> Iterator[Shown]:
    """Start a command on a terminal, at which Ctrl-C does what it does; afterwards it is ended in any case."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    process = subprocess.Popen(
        list(map(str, command)),
        cwd=cwd,
        env={**os.environ, "TERM": "xterm", **(variables or {})},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # a background job ignores it
    )
    os.close(theirs)
    try:
        yield Shown(process, ours)
    finally:
        process.kill()
        process.wait()
        os.close(ours)
