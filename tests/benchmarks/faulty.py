"""Implementations in plain NumPy that come to grief, really, in `value_and_grad`; their other passes are sound.

What strikes in the middle of a round waits for the second launch, in which no calls are calibrated any more. The folder
$FAULTS is where they leave a mark for it, and find what they need.
"""

from __future__ import annotations

import ctypes
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from samegrad.impls.on_numpy.manual import NumpyManual
from samegrad.impls.registry import REGISTRY
from samegrad.impls.registry.entry import Entry

FAULTS = Path(os.environ.get("FAULTS", "."))
CALLS = 300
"""In the second launch, after rows were last fed, before something strikes: more than the gate makes in a row, and
fewer than the rounds make."""


class Sound(NumpyManual):
    """`value_and_grad` calls `go_wrong` first."""

    def value_and_grad(self):
        self.go_wrong()
        return super().value_and_grad()

    def go_wrong(self):
        pass


class InARound(Sound):
    """It strikes in the second launch, in the middle of a block."""

    def __init__(self):
        super().__init__()
        self.mark = FAULTS / type(self).__name__
        self.strikes_at = CALLS if self.mark.exists() else None

    def feed(self, x, y=None):
        super().feed(x, y)
        self.calls = 0

    def go_wrong(self):
        self.calls += 1
        self.mark.touch()
        if self.calls == self.strikes_at:
            self.strike()

    def strike(self):
        raise NotImplementedError


class Killed(InARound):
    def strike(self):
        os.kill(os.getpid(), signal.SIGKILL)


class SegmentationFault(Sound):
    def go_wrong(self):
        ctypes.string_at(0)


class Hangs(Sound):
    def go_wrong(self):
        time.sleep(600)


class OutOfMemory(Sound):
    """The kernel refuses what the process asks for beyond its limit, where it knows such limits."""

    def go_wrong(self):
        if sys.platform != "linux":
            raise MemoryError("Unable to allocate 8.00 TiB")
        now = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(resource.RLIMIT_AS, (8 << 30, now[1]))
        try:
            np.ones(1 << 40)
        finally:
            resource.setrlimit(resource.RLIMIT_AS, now)


class FailsToPrepare(Sound):
    def prepare(self, task):
        raise RuntimeError("the seventh kernel does not build")


class FailsInARound(InARound):
    def strike(self):
        raise ArithmeticError("the seventh digit is lost")


class NotANumber(Sound):
    def value_and_grad(self):
        loss, gradients = super().value_and_grad()
        gradients[0].W[0, 0] = np.nan
        return loss, gradients


class LosesItsMind(InARound):
    """From then on its parameters are no numbers."""

    def strike(self):
        self.layers[0].W[:] = np.nan


class Stopped(InARound):
    """For two seconds, as by a debugger."""

    def strike(self):
        _stop([os.getpid()], FAULTS / "stopped")


class Asleep(InARound):
    """The machine: every process stops, and the clock that counts sleep has gone on by an hour."""

    def strike(self):
        _stop([os.getppid(), os.getpid()], FAULTS / "an hour")


class FillsTheDisk(Sound):
    """On which the run is to be saved."""

    def go_wrong(self):
        with open(FAULTS / "disk" / "filler", "wb", buffering=0) as filler:
            try:
                while True:
                    filler.write(bytes(1 << 16))
            except OSError:
                pass


class RemovesTheFolder(Sound):
    """In which the run is to be saved."""

    def go_wrong(self):
        shutil.rmtree(FAULTS / "results", ignore_errors=True)


class ForbidsFiles(Sound):
    """To the process that started it: none may have more than a thousand bytes, wherever it is."""

    def go_wrong(self):
        resource.prlimit(os.getppid(), resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))


def _stop(processes, mark):
    """Stop them for two seconds, and make the file `mark` meanwhile; this one of them goes on when it is there."""
    numbers = " ".join(map(str, processes))
    subprocess.Popen(
        ["sh", "-c", f'kill -STOP {numbers}; : > "$0"; sleep 2; kill -CONT {numbers}', mark], start_new_session=True
    )
    while not mark.exists():
        time.sleep(0.01)


KINDS = (
    *(Killed, SegmentationFault, Hangs, OutOfMemory, FailsToPrepare, FailsInARound, NotANumber, LosesItsMind),
    *(Stopped, Asleep, FillsTheDisk, RemovesTheFolder, ForbidsFiles),
)
MODULES = {
    "import_fails": "raise OSError('libframework.so.9: cannot open shared object file')",
    "import_dies": "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)",
}
"""Frameworks that do not survive their import."""


def register(repaired: bool) -> None:
    """Add them to the registry under their class's name, or sound ones under the same names."""
    for kind in KINDS:
        target = "tests.benchmarks.faulty:Sound" if repaired else f"tests.benchmarks.faulty:{kind.__name__}"
        REGISTRY[kind.__name__] = Entry(kind.__name__, target, "numpy", "faulty")
    for name in MODULES:
        REGISTRY[name] = Entry(name, f"{name}:Framework", "numpy", "faulty")


if __name__ == "__main__":
    import pytest

    register(repaired="REPAIRED" in os.environ)
    sys.exit(pytest.main(sys.argv[1:]))
