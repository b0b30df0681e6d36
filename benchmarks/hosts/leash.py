"""pytest, which ends when its standard input does: whoever started it holds the other end, and may be killed.

python -m samegrad.benchmarks.hosts.leash --benchmark-only …
"""

from __future__ import annotations

import os
import signal
import sys
import threading

import pytest


def end_with(pipe: int) -> None:
    """Wait for the end of a pipe, and have this process end as by `kill`: what is complete is saved."""
    while os.read(pipe, 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    # A descriptor of its own: pytest puts another file in the place of standard input.
    threading.Thread(target=end_with, args=[os.dup(0)], daemon=True).start()
    sys.exit(pytest.main(sys.argv[1:]))
