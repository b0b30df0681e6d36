"""`samegrad verify`: is a hand-written gradient right? If not, which mistake is it?

    run(target) → Report, and exit_code(report): 0 right, 1 wrong, 2 could not run

The target is observed in a process of its own; everything that is concluded is concluded here, from its answer.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from impls.errors import BadInput
from impls.problem import ACTIVATIONS
from impls.verifying import autodiff, messages
from impls.verifying.conventions import CONVENTIONS, Convention, get_convention
from impls.verifying.report import Report
from impls.verifying.verdict import conclude, returns_unknown_loss

TIME_LIMIT_S = 60.0


def run(
    target: str,
    *,
    loss: str | None = None,
    activations: Sequence[str] | None = None,
    sizes: Sequence[int] | None = None,
    init: dict[str, Any] | None = None,
    parameters: dict[str, str] | None = None,
    arguments: Sequence[str] | None = None,
    dtype: str | None = None,
    frameworks: bool = True,
    time_limit_s: float = TIME_LIMIT_S,
) -> Report:
    """Check `path/to/file.py:name`.

    loss: one of STRICT, which must then be met, or file.py:loss. activations, sizes: of the network, if known.
    init: arguments for a class's constructor. parameters: tensor → attribute. arguments: the roles of a function's
    arguments, x, y, W1, b1, …. Raises BadInput for a request that makes no sense; whatever the target does is a Report.
    """
    path, name = split_target(target)
    request: dict[str, Any] = {"path": str(path), "name": name, "init": init, "parameters": parameters}
    request["arguments"] = list(arguments) if arguments else None
    request["sizes"] = list(sizes) if sizes else None
    conventions: Sequence[Convention] = CONVENTIONS
    strict = False
    if loss and ".py" in loss:
        loss_path, loss_name = split_target(loss)
        if not loss_name:
            raise BadInput(f"--loss {loss}: say which function of the file, as file.py:loss")
        request.update(loss_file=str(loss_path), loss_name=loss_name)
    elif loss:
        conventions, strict = [get_convention(loss)], True
    for activation in activations or ():
        if activation not in ACTIVATIONS:
            raise BadInput(f"unknown activation {activation!r}; allowed: {', '.join(ACTIVATIONS)}")

    opinions = [autodiff.start(entry) for entry in autodiff.installed()] if frameworks else []
    try:
        answer = observe_in_process(request, time_limit_s)
        if returns_unknown_loss(answer, conventions, strict):
            again = observe_in_process({**request, "differentiate_loss": True}, time_limit_s)
            answer = again if "error" not in again else answer
        return conclude(target, answer, conventions, strict, activations, dtype, opinions, time_limit_s)
    finally:
        for running in opinions:
            if running.process.poll() is None:
                running.process.kill()
            autodiff.stop(running)


def split_target(target: str) -> tuple[Path, str]:
    """path/to/file.py:name → (path, name); the name may be empty. Raises BadInput."""
    path, colon, name = target.rpartition(":")
    if not colon or not name.replace(".", "").isidentifier() or name == "py":
        path, name = target.rstrip(":"), ""
    if not path.endswith(".py"):
        raise BadInput(f"{target!r} is no target; give a Python file and a name in it, as path/to/file.py:backward")
    if not Path(path).is_file():
        raise BadInput(f"{path}: no such file (found from {Path.cwd()})")
    return Path(path), name


def observe_in_process(request: dict[str, Any], time_limit_s: float) -> dict[str, Any]:
    """Run the target in a process of its own: its answer, or {"error": …, "text": …}."""
    read, write = os.pipe()
    environment = {**os.environ, "MPLBACKEND": "Agg", "JAX_ENABLE_X64": "1", "JAX_PLATFORMS": "cpu"}
    root = str(Path(__file__).resolve().parents[2])
    environment["PYTHONPATH"] = os.pathsep.join(p for p in (root, os.environ.get("PYTHONPATH", "")) if p)
    process = subprocess.Popen(
        [sys.executable, "-m", "impls.verifying.targets.process", str(write)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        pass_fds=[write],
        env=environment,
    )
    os.close(write)
    try:
        assert process.stdin is not None
        process.stdin.write(messages.dumps(request).encode())
        process.stdin.close()
        text = autodiff.read_all(read, time_limit_s)
        if text:
            return messages.loads(text)
        try:
            code = process.wait(timeout=0.5)
        except subprocess.TimeoutExpired:
            return {
                "error": "unreadable",
                "text": f"it did not finish within {time_limit_s:g} s (--time-limit); does the file train when it is "
                'imported? Put that under `if __name__ == "__main__":`',
            }
        return {
            "error": "unreadable",
            "text": f"the target ended its process (exit code {code}) before it gave an answer",
        }
    finally:
        process.kill()
        process.wait()
        os.close(read)
