"""Temporary files of the processes that are measured: they are killed when they are done, and clear nothing up.

TensorFlow leaves a file for every function that it traces. So each process has a temporary folder of its own, below one
of this process; a small process of its own removes that one when this process has ended, however it ended.
"""

from __future__ import annotations

import atexit
import getpass
import os
import subprocess
import sys
import tempfile
from functools import cache
from typing import Any

OWN_GROUP: dict[str, Any] = {"process_group": 0} if hasattr(os, "killpg") else {}
"""For a process that a signal to this one's group, such as Ctrl-C, is not to reach."""

REMOVE = "import shutil, sys; sys.stdin.read(); shutil.rmtree(sys.argv[1], ignore_errors=True)"
"""Once standard input ends: its other end is this process's."""


@cache
def folder() -> str:
    """Where the temporary folders are, as long as this process lives. Raises OSError where none can be made."""
    path = tempfile.mkdtemp(prefix="samegrad-")
    remover = subprocess.Popen([sys.executable, "-S", "-c", REMOVE, path], stdin=subprocess.PIPE, **OWN_GROUP)
    atexit.register(remover.communicate)
    return path


def variables(path: str) -> dict[str, str]:
    """What makes a process take this for its temporary folder. What PyTorch has compiled stays where it always is."""
    found = dict.fromkeys(("TMPDIR", "TEMP", "TMP"), path)
    if "TORCHINDUCTOR_CACHE_DIR" not in os.environ:
        found["TORCHINDUCTOR_CACHE_DIR"] = os.path.join(tempfile.gettempdir(), f"torchinductor_{_user()}")
    return found


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):  # a container's user without a name
        return "user"
