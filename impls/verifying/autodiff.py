"""A second opinion: the gradients that an installed framework's automatic differentiation gives at the same probes.

    python -m impls.verifying.autodiff IMPLEMENTATION FD      probes on stdin, gradients on the pipe FD

Each framework runs in a process of its own, started early, since importing it takes longer than everything else.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from functools import partial
from typing import Any

from impls.errors import Unavailable
from impls.parameters import tensors
from impls.problem import Problem
from impls.registry import DEFAULT, REGISTRY, Entry, get_entry
from impls.task import Task
from impls.verifying import messages


def installed() -> list[Entry]:
    """One implementation for everything installed that derives gradients itself, preferably one that runs by default.

    Keras on TensorFlow stands for TensorFlow; what differentiates by JAX, like equinox, would only repeat JAX.
    """
    found: dict[str, Entry] = {}
    for entry in (*(REGISTRY[name] for name in DEFAULT), *REGISTRY.values()):
        if not entry.is_by_hand and entry.missing() is None:
            found.setdefault(entry.computes_with, entry)
    return list(found.values())


@dataclass
class Running:
    """A framework's process, waiting for its probes."""

    entry: Entry
    process: subprocess.Popen
    pipe: int


def start(entry: Entry) -> Running:
    """Start the process, which begins with the import."""
    read, write = os.pipe()
    environment = {**os.environ, "JAX_PLATFORMS": "cpu", "CUDA_VISIBLE_DEVICES": "", "TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [sys.executable, "-m", "impls.verifying.autodiff", entry.name, str(write)]
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        pass_fds=[write],
        env=environment,
    )
    os.close(write)
    return Running(entry, process, read)


def ask(running: Running, request: dict[str, Any], time_limit_s: float) -> list[dict[str, Any]]:
    """Gradients by tensor for each probe. Raises Unavailable, with the reason, where the framework gives none."""
    assert running.process.stdin is not None
    try:
        running.process.stdin.write(messages.dumps(request).encode())
        running.process.stdin.close()
    except OSError:
        pass  # it died; the empty answer below says so
    text = read_all(running.pipe, time_limit_s)
    stop(running)
    if not text:
        raise Unavailable(f"{running.entry.name} gave no answer within {time_limit_s:.0f} s")
    answer = messages.loads(text)
    if isinstance(answer, dict):
        raise Unavailable(answer["error"])
    return answer


def read_all(pipe: int, time_limit_s: float) -> str:
    """Everything that is written to a pipe until it is closed; "" if that takes longer than the limit."""
    import select

    end = time.monotonic() + time_limit_s
    pieces: list[bytes] = []
    while (left := end - time.monotonic()) > 0:
        ready, _, _ = select.select([pipe], [], [], left)
        if not ready:
            return ""
        piece = os.read(pipe, 1 << 16)
        if not piece:
            return b"".join(pieces).decode()
        pieces.append(piece)
    return ""


def stop(running: Running) -> None:
    """End the process if it still runs."""
    if running.process.poll() is None:
        try:
            running.process.wait(timeout=0.5)
        except subprocess.TimeoutExpired:
            running.process.kill()
    running.process.wait()
    if running.process.stdin and not running.process.stdin.closed:
        with contextlib.suppress(OSError):
            running.process.stdin.close()
    with contextlib.suppress(OSError):
        os.close(running.pipe)


def evaluate(name: str, request: dict[str, Any]) -> list[dict[str, Any]]:
    """The gradients of one implementation at every probe of the request."""
    implementation = get_entry(name).load()()
    answers = []
    for probe in request["probes"]:
        data = probe["x"], probe["y"]
        rows = partial(_first, data)
        problem = Problem("probe", tuple(request["sizes"]), tuple(request["activations"]), rows)
        implementation.prepare(Task(problem, messages.to_layers(probe["parameters"]), len(data[0]), request["dtype"]))
        _, gradients = implementation.to_numpy(implementation.value_and_grad())
        answers.append(tensors(gradients))
    return answers


def _first(data: Any, batch: int, seed: int) -> Any:
    """The probe's rows, in the place of a problem's own."""
    return data


def main() -> None:
    name, pipe = sys.argv[1], int(sys.argv[2])
    answer: Any
    try:
        get_entry(name).load()
        request = messages.loads(sys.stdin.buffer.read().decode())
        answer = evaluate(name, request)
    except Exception as error:  # reported as the reason why this opinion is missing
        answer = {"error": f"{name}: {type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"}
    with os.fdopen(pipe, "w", encoding="utf-8") as out:
        out.write(messages.dumps(answer))
    os._exit(0)


if __name__ == "__main__":
    main()
