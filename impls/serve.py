"""The child's end of `child.py`: requests come and answers go through a socket of their own, one line of JSON each.

    python -m samegrad.impls.serve SOCKET [module:Class]

SOCKET is a file descriptor that the parent opened, so that nothing which prints, be it a framework, a library in C or a
`sitecustomize`, can disturb it. A request {"do": name, "with": arguments} calls that method of the
object that is served, or the function "module:name" where none is. Little is imported here: cold starts are observed in
such a process.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import sys
from typing import Any

OUT_OF_MEMORY = (
    *("out of memory", "can't allocate memory", "CUBLAS_STATUS_ALLOC_FAILED"),
    *("RESOURCE_EXHAUSTED", "Out of memory"),
    *("ResourceExhaustedError", "OOM when allocating"),
)
"""Texts in the frameworks' errors for a lack of memory: PyTorch on a GPU, on the CPU and in cuBLAS; JAX; TensorFlow."""


def serve(socket: int, target: str | None = None) -> None:
    """Answer until the requests end."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    _die_with_parent()
    os.set_inheritable(socket, False)
    served = load(target)() if target else None
    with open(socket, encoding="utf-8") as lines, open(os.dup(socket), "w", encoding="utf-8", buffering=1) as out:
        for line in lines:
            request = json.loads(line)
            try:
                do = getattr(served, request["do"]) if target else load(request["do"])
                answer = {"answer": do(**request["with"])}
            except Exception as error:
                answer = failure(error)
            print(json.dumps(answer), file=out)


def load(target: str) -> Any:
    """The object that "module:name" names."""
    module, _, name = target.partition(":")
    return getattr(importlib.import_module(module), name)


def failure(error: Exception) -> dict[str, Any]:
    """The answer that reports an error: its kind, and where it was raised unless its message says it all."""
    import traceback

    if kind := getattr(error, "refusal", None):
        return {"failed": kind, "reason": str(error)}
    reason = "".join(traceback.format_exception_only(error)).strip()
    is_for_memory = isinstance(error, MemoryError) or any(words in reason for words in OUT_OF_MEMORY)
    kind = "out of memory" if is_for_memory else "exception"
    return {"failed": kind, "reason": reason, "traceback": traceback.format_exc(limit=-3).splitlines()}


def _die_with_parent() -> None:
    """On Linux, ask the kernel to end this process when the parent ends, however it ends."""
    if sys.platform == "linux":
        import ctypes

        set_parent_death_signal = 1
        ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGKILL)


if __name__ == "__main__":
    serve(int(sys.argv[1]), *sys.argv[2:])
