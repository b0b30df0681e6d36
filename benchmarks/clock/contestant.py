"""A contestant: what is timed under a name, where its worker runs, and what the worker is asked.

Registered    an implementation of the registry, here or in another environment
Function      a plain callable of ours, such as the yardstick
"""

from __future__ import annotations

import os
import sys
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from samegrad.benchmarks.clock import doctor
from samegrad.benchmarks.clock.case import Case
from samegrad.impls.child import ROOT, Failed
from samegrad.impls.parameters import from_lists
from samegrad.impls.registry.entry import Entry, version

WORKER = "samegrad.benchmarks.clock.worker:Worker"


@dataclass(frozen=True)
class WorkerPlace:
    """Where a worker runs: its interpreter, the folder that it starts in, and environment variables of its own."""

    python: str = sys.executable
    folder: Path = ROOT
    variables: Mapping[str, str] = field(default_factory=dict)


HERE = WorkerPlace()
"""This interpreter and this code."""


class Contestant(ABC):
    """What the clock needs to time something: its name, its worker, and the worker's requests."""

    name: str
    framework: str
    execution: str
    is_floor = False
    can_be_baseline = True
    place: WorkerPlace = HERE
    worker: str = WORKER
    """The class that the worker process serves."""

    def version(self) -> str:
        """The version of what computes, as run files spell it; empty where it has none."""
        return ""

    def require(self) -> None:
        """Raise Failed where it cannot run, or may not be timed."""
        return None  # what has no conditions can always run

    @abstractmethod
    def start(self) -> dict[str, Any]:
        """The arguments of the worker's `start`, beside the threads."""

    def prepare(self, case: Case, seed: int, parameters: list[list[Any]] | None) -> dict[str, Any]:
        """The arguments of the worker's `prepare` before a case is timed, beside the key; none where it needs none."""
        return {}


class Function(Contestant):
    """The callable that "module:name" makes, timed as it is."""

    def __init__(self, target: str) -> None:
        self.target = target

    def start(self) -> dict[str, Any]:
        return {"target": self.target, "function": True}


class Registered(Contestant):
    """An implementation of the registry, in this environment."""

    def __init__(self, name: str, entry: Entry) -> None:
        self.name, self.entry = name, entry
        self.framework, self.execution, self.is_floor = entry.framework, entry.execution, entry.is_floor
        self.can_be_baseline = not entry.is_floor

    def version(self) -> str:
        return version(self.entry)

    def missing(self) -> str | None:
        """The reason why it cannot run, and what to install."""
        return self.entry.missing()

    def require(self) -> None:
        if reason := self.missing():
            raise Failed("unavailable", reason, [])
        if reason := doctor.turned_off(self.entry, os.environ):
            raise Failed("handicapped", reason, [])

    def start(self) -> dict[str, Any]:
        return {"target": self.entry.target, "function": False}

    def prepare(self, case: Case, seed: int, parameters: list[list[Any]] | None) -> dict[str, Any]:
        task = case.task(seed, from_lists(parameters) if parameters else None)
        return {"pass_name": case.pass_name, "task": task.as_json()}
