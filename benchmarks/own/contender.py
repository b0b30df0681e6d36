"""A contender: an environment whose workers are timed in the same rounds as another's (`--contender NAME=WHERE`).

    old=PATH/python           this code, with the packages of that interpreter
    old=git:REF               the code of a repository at that commit, with the packages of this interpreter
    old=git:REF:PATH/python   that code, with those packages

Of a repository that is not Samegrad's the commit's files come first on Python's path, and the workers are ours. The
files are taken out by `git archive`, which changes nothing in the repository, and are gone when this process ends.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from samegrad.benchmarks.clock.contestant import Contestant, Registered, WorkerPlace
from samegrad.impls.child import ROOT, environment, scratch_folder
from samegrad.impls.errors import BadInput, Unavailable
from samegrad.impls.machine import compiler

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
NEEDED = ("numpy", "scipy", "msgspec", "psutil", "threadpoolctl")
"""The packages that every worker imports."""
OLDEST_PYTHON = (3, 11)
OUR_MARK = Path("samegrad/impls/serve.py")
DECLARING = ("pyproject.toml", "constraints.txt", "requirements.txt", "setup.cfg", "setup.py", "uv.lock", "poetry.lock")
"""The files in which a repository declares its packages."""

PROBE_S = 120
PROBE = """
import importlib.metadata, importlib.util, json, sys
packages = {d.metadata["Name"]: d.version for d in importlib.metadata.distributions() if d.metadata["Name"]}
print("\\n" + json.dumps({
    "python": list(sys.version_info[:3]),
    "packages": packages,
    "modules": [name for name in sys.argv[1:] if importlib.util.find_spec(name)],
}))
"""


@dataclass(frozen=True)
class Contender:
    """One environment, with what is installed there."""

    name: str
    place: WorkerPlace
    python: str
    """The version of its Python."""
    packages: dict[str, str]
    """Everything that is installed there, by distribution, with its version."""
    modules: frozenset[str] = frozenset()
    """The modules, of those that were asked for, that can be imported there."""
    commit: str | None = None
    remarks: tuple[str, ...] = field(default=())

    @property
    def versions(self) -> dict[str, str]:
        """Python, every package, and the commit where the code is of one."""
        versions = {"python": self.python} | self.packages
        return versions | ({"commit": self.commit[:12]} if self.commit else {})

    def as_json(self) -> dict[str, Any]:
        """The contender's entry in a run file."""
        return {"name": self.name, "interpreter": self.place.python, "commit": self.commit, "versions": self.versions}


class Elsewhere(Registered):
    """An implementation of the registry in a contender's environment: `numpy@old`. `is_first` of the contenders."""

    def __init__(self, of: Registered, contender: Contender, is_first: bool) -> None:
        super().__init__(f"{of.name}@{contender.name}", of.entry)
        self.contender, self.place = contender, contender.place
        self.can_be_baseline = is_first and not self.is_floor

    def version(self) -> str:
        packages = {name.lower().replace("_", "-"): version for name, version in self.contender.packages.items()}
        return " / ".join(packages.get(name, "unknown") for name in self.entry.packages or ("numpy",))

    def missing(self) -> str | None:
        absent = [package for package in self.entry.packages if package not in self.contender.modules]
        if absent:
            return f"{self.name} needs {' and '.join(absent)}: {self.place.python} -m pip install {' '.join(absent)}"
        try:
            if self.entry.needs_compiler:
                compiler.require()
        except Unavailable as reason:
            return f"{self.name} {reason}"
        return None


def read(asked: Sequence[str], repository: str | None, modules: Iterable[str] = ()) -> tuple[Contender, ...]:
    """The contenders that `--contender` names, the first of which the others are compared with.

    modules: which of them can be imported there is looked at too. Raises BadInput where there are not at least two
    of different names, or where one cannot be used.
    """
    parts = [text.partition("=") for text in asked]
    for text, (name, _, where) in zip(asked, parts, strict=True):
        if not NAME.fullmatch(name) or not where:
            raise BadInput(
                f"--contender takes NAME=PATH/python or NAME=git:REF, such as old=.venv-old/bin/python; found {text!r}"
            )
    names = [name for name, _, _ in parts]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise BadInput(f"--contender {twice[0]}=… is there twice; give each a name of its own")
    if len(names) == 1:
        raise BadInput(f"--contender {asked[0]}: one alone has nothing to be compared with; give a second --contender")
    if repository is not None and not any(where.startswith("git:") for _, _, where in parts):
        raise BadInput("--repo is the repository of a --contender NAME=git:REF, and there is none")
    return tuple(_contender(name, where, repository or ".", tuple(modules)) for name, _, where in parts)


def _contender(name: str, where: str, repository: str, modules: tuple[str, ...]) -> Contender:
    option = f"--contender {name}={where}"
    commit, remarks = None, []
    if not where.startswith("git:"):
        place = WorkerPlace(_python(option, where))
    else:
        ref, _, python = where.removeprefix("git:").partition(":")
        top = Path(_git(option, repository, "rev-parse", "--show-toplevel"))
        commit = _git(option, repository, "rev-parse", "--verify", "--end-of-options", f"{ref}^{{commit}}")
        folder = _extract(option, top, commit)
        place = _place_of(folder, _python(option, python) if python else sys.executable)
        changed = [file for file in DECLARING if _content(folder / file) != _content(top / file)]
        if changed and not python:
            remarks = [
                f"{name}: {' and '.join(changed)} of {ref} differ from the present ones, but its code runs with the "
                f"present packages; for others: {name}=git:{ref}:PATH/python"
            ]
    answer = _probe(option, place, (*NEEDED, *modules))
    if tuple(answer["python"]) < OLDEST_PYTHON:
        raise BadInput(
            f"{option}: is Python {_dotted(answer['python'])}; workers need {_dotted(OLDEST_PYTHON)} or newer"
        )
    if absent := [module for module in NEEDED if module not in answer["modules"]]:
        raise BadInput(f"{option}: lacks {', '.join(absent)}: {place.python} -m pip install {' '.join(absent)}")
    modules_there = frozenset(answer["modules"])
    return Contender(name, place, _dotted(answer["python"]), answer["packages"], modules_there, commit, tuple(remarks))


def _dotted(version: Iterable[int]) -> str:
    return ".".join(map(str, version))


def _python(option: str, path: str) -> str:
    program = shutil.which(Path(path).expanduser())
    if program is None:
        hint = "; the interpreter is bin/python in it" if Path(path).is_dir() else ""
        raise BadInput(f"{option}: {path} is no program that can be run{hint}")
    return str(Path(program).absolute())  # unresolved: a virtual environment is known by the link's own place


def _place_of(folder: Path, python: str) -> WorkerPlace:
    """The place where a commit's code runs: in its own workers where it is Samegrad's, else in ours."""
    paths = [folder] if (folder / OUR_MARK).exists() else [ROOT, folder, folder / "src"]
    return WorkerPlace(python, folder, {"PYTHONPATH": os.pathsep.join(map(str, paths))})


def _git(option: str, repository: str, *arguments: str) -> str:
    try:
        done = subprocess.run(["git", "-C", repository, *arguments], capture_output=True, text=True, check=False)
    except OSError as error:
        raise BadInput(f"{option}: git cannot be started: {error.strerror}") from None
    if done.returncode:
        message = (done.stderr.strip().splitlines() or ["git failed"])[-1].removeprefix("fatal: ")
        raise BadInput(f"{option}: {message} (looked in {Path(repository).resolve()}; --repo names another repository)")
    return done.stdout.strip()


def _extract(option: str, top: Path, commit: str) -> Path:
    """The commit's files, in a folder that lives as long as this process."""
    folder = Path(tempfile.mkdtemp(prefix=f"{commit[:12]}-", dir=scratch_folder()))
    with tempfile.TemporaryFile(dir=folder.parent) as archive:
        done = subprocess.run(["git", "-C", str(top), "archive", commit], stdout=archive, check=False)
        if done.returncode:
            raise BadInput(f"{option}: git archive failed")
        archive.seek(0)
        with tarfile.open(fileobj=archive) as files:
            files.extractall(folder, filter="data")
    return folder


def _content(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None


def _probe(option: str, place: WorkerPlace, modules: Sequence[str]) -> dict[str, Any]:
    """Ask the environment for its Python, its packages and the modules that can be imported."""
    try:
        probe = subprocess.run(
            [place.python, "-c", PROBE, *dict.fromkeys(modules)],
            cwd=tempfile.gettempdir(),
            env=environment(1) | dict(place.variables),
            capture_output=True,
            text=True,
            timeout=PROBE_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BadInput(f"{option}: {place.python} does not answer: {error}") from None
    try:
        answer = json.loads(probe.stdout.strip().splitlines()[-1])
    except (ValueError, IndexError):
        message = (probe.stderr.strip().splitlines() or [f"exit status {probe.returncode}"])[-1]
        raise BadInput(f"{option}: {place.python} is no Python that answers: {message}") from None
    return dict(answer)


def differing(contenders: Sequence[Contender]) -> list[str]:
    """A line for each package, and for Python and the commit, that is not the same in all of them."""
    names = dict.fromkeys(name for contender in contenders for name in contender.versions)
    versions_of = {name: [contender.versions.get(name, "absent") for contender in contenders] for name in names}
    differing = {name: versions for name, versions in versions_of.items() if len(set(versions)) > 1}
    labels = [contender.name for contender in contenders]
    return [
        f"{name} {', '.join(f'{version} in {label}' for label, version in zip(labels, versions, strict=True))}"
        for name, versions in differing.items()
    ]


def contestants(contenders: Sequence[Contender], of: Sequence[Registered]) -> dict[str, Contestant]:
    """Every implementation in every contender's environment, by name, `numpy@old` beside `numpy@new`."""
    everywhere = [Elsewhere(one, contender, contender is contenders[0]) for one in of for contender in contenders]
    return {contestant.name: contestant for contestant in everywhere}
