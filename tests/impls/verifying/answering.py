"""A process for the tests of `child`: what it does is in its request.

python -m tests.impls.verifying.answering READ WRITE
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from samegrad.impls.verifying import child


def answer(request: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Runs the request's text, which may write to `folder` and send what it appends to `sent`."""
    sent: list[dict[str, Any]] = []
    names = {
        "sent": sent,
        "os": os,
        "sys": sys,
        "time": time,
        "subprocess": subprocess,
        "folder": Path(request["folder"]),
    }
    exec(request["text"], names)
    yield from sent


if __name__ == "__main__":
    child.serve(answer, int(sys.argv[1]), int(sys.argv[2]))
