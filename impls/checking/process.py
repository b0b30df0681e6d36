"""A fresh process for each piece of work: it owns one framework, has few threads and limited time, answers in JSON.

    call("impls.checking.agree:measure", {"implementation": "torch-eager", …}, timeout_s=600)

runs that function there and returns what it returned. Frameworks talk on standard output, so the child keeps the real
one for its answer and sends everything else to standard error.
"""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from impls.errors import BadInput, Unavailable

ROOT = Path(__file__).parents[2]
THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "TF_NUM_INTRAOP_THREADS",
    "TF_NUM_INTEROP_THREADS",
)
REFUSALS = {"BadInput": BadInput, "Unavailable": Unavailable}


class Failed(RuntimeError):
    """The work ended without an answer: an exception, a crash or the time limit; the message is one line."""


def call(
    target: str,
    arguments: Mapping[str, Any],
    *,
    timeout_s: float,
    threads: int = 1,
    environment: Mapping[str, str] | None = None,
) -> Any:
    """What the function `target` ("module:name") returns for these JSON-able arguments, in a process of its own.

    Raises BadInput and Unavailable as the function raised them, and Failed for any other end.
    """
    limits = dict.fromkeys(THREAD_VARIABLES, str(threads))
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    try:
        done = subprocess.run(
            [sys.executable, "-m", "impls.checking.process", target],
            input=json.dumps(dict(arguments)),
            env={**os.environ, **limits, "PYTHONPATH": path, **(environment or {})},
            capture_output=True,
            text=True,
            timeout=timeout_s,
        )
    except subprocess.TimeoutExpired:
        raise Failed(f"gave no answer within {timeout_s:g} s, and was stopped") from None
    try:
        kind, answer = json.loads(done.stdout)
    except ValueError:
        last = done.stderr.strip().splitlines()[-1:]
        raise Failed(f"ended with exit status {done.returncode} and no answer: {' '.join(last)}") from None
    if kind != "answer":
        raise REFUSALS.get(kind, Failed)(answer)
    return answer


def _serve(target: str, arguments: dict[str, Any]) -> tuple[str, Any]:
    module, _, name = target.partition(":")
    try:
        return "answer", getattr(importlib.import_module(module), name)(**arguments)
    except (BadInput, Unavailable) as refusal:
        return type(refusal).__name__, str(refusal)
    except Exception as error:
        return "Failed", f"{type(error).__name__}: {' '.join(str(error).split())}"


if __name__ == "__main__":
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    json.dump(_serve(sys.argv[1], json.load(sys.stdin)), answers)
    answers.flush()
