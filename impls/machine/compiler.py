"""The machine's C compiler: where it is, and a shared library from one source file, built once and kept."""

from __future__ import annotations

import hashlib
import os
import platform
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from samegrad.impls.errors import Unavailable
from samegrad.impls.machine.caches import CURE, private_folder, require_own

FLAGS = ("-O3", "-march=native", "-fopenmp-simd", "-fno-math-errno", "-fno-trapping-math", "-shared", "-fPIC")
"""Vector instructions of this CPU, and sums in any order only where the source asks for it (`omp simd reduction`).

Not -ffast-math: a library that is linked with it may turn off subnormal numbers for the whole process.
"""


LANGUAGES = {
    "C": ("CC", ("cc", "gcc", "clang")),
    "C++": ("CXX", ("clang++",) if sys.platform == "darwin" else ("g++",)),
}
"""By language the variable that names its compiler, and what is looked for without it; of C++, what PyTorch calls."""


def find(language: str = "C") -> list[str] | None:
    """The command that `$CC` or `$CXX` names, or that is installed; None where there is none."""
    variable, names = LANGUAGES[language]
    try:
        named = shlex.split(os.environ.get(variable, ""))
    except ValueError:  # a quote that is not closed
        return None
    candidates = [named] if named else [[name] for name in names]
    return next((command for command in candidates if shutil.which(command[0])), None)


def require(language: str = "C") -> list[str]:
    """The compiler's command. Raises Unavailable, with what to install, where there is none."""
    command = find(language)
    if command is None:
        variable, names = LANGUAGES[language]
        looked_for = os.environ.get(variable) or ", ".join(names)
        raise Unavailable(
            f"needs a {language} compiler ({looked_for} not found): install gcc or clang for it, or set {variable}"
        )
    return command


@cache
def version(language: str = "C") -> str:
    """The first line of `cc --version`."""
    return _output([*require(language), "--version"]).stdout.partition("\n")[0]


def build(source: Path, definitions: Iterable[str] = ()) -> Path:
    """A shared library of `source`, compiled unless the cache has one of the same sources, flags, compiler and CPU.

    The sources are it and the headers beside it.

    Raises Unavailable where there is no compiler, where it fails (with its first complaint), and where the cache folder
    cannot be written or is not safe.
    """
    command = [*require(), *FLAGS, *(f"-D{definition}" for definition in definitions)]
    sources = b"".join(path.read_bytes() for path in [source, *sorted(source.parent.glob("*.h"))])
    key = hashlib.sha256(sources + "\0".join([*command, version(), _cpu()]).encode()).hexdigest()[:16]
    folder = private_folder()
    library = folder / f"{source.stem}-{key}.so"
    if library.exists():
        require_own(library)
        return library
    try:
        with TemporaryDirectory(dir=folder) as scratch:
            fresh = Path(scratch) / library.name
            _run([*command, str(source), "-o", str(fresh)])
            fresh.chmod(0o700)
            os.replace(fresh, library)  # whole or not at all, even when several processes build at once
    except OSError as error:
        raise Unavailable(f"cannot keep a compiled library in {folder} ({error}); {CURE}") from None
    return library


def _output(command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, encoding="utf-8", errors="replace", check=False)


def _run(command: list[str]) -> None:
    done = _output(command)
    if done.returncode != 0:
        complaint = next((line for line in done.stderr.splitlines() if "error" in line), done.stderr.strip())
        raise Unavailable(f"{command[0]} failed on {Path(command[-3]).name}: {complaint}")


def _cpu() -> str:
    """The names of the CPU and its features, on which -march=native depends: machines may share a cache folder."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return f"{platform.machine()} {platform.processor()}"
    identity = ("model name", "flags", "CPU part", "Features")
    return "\n".join(sorted({line for line in lines if line.startswith(identity)}))
