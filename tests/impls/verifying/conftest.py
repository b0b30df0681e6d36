"""Targets observed without a process each: the same answers, through the same messages."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from samegrad.impls.verifying import messages, verify
from samegrad.impls.verifying.target import serve


class Here:
    """Stands in for `TargetProcess`: observes the target in this process. What a target could disturb is put back."""

    def __init__(self, module: str, request: dict[str, Any], time_limit_s: float) -> None:
        self.request = messages.loads(messages.dumps(request))

    def __enter__(self) -> Here:
        self.kept = np.random.default_rng, np.random.RandomState, list(sys.path), dict(sys.modules)
        return self

    def messages(self) -> Iterator[dict[str, Any]]:
        for message in serve.answer(self.request):
            yield messages.loads(messages.dumps(message))

    def __exit__(self, *exception: Any) -> None:
        np.random.default_rng, np.random.RandomState, sys.path[:], modules = self.kept
        folder = Path(self.request.get("path", ".")).resolve().parent
        for name in set(sys.modules) - set(modules):
            file = getattr(sys.modules[name], "__file__", None)
            if file and Path(file).resolve().is_relative_to(folder):
                del sys.modules[name]  # the target, and what lies beside it


@pytest.fixture
def in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Observe targets here: a second less for each."""
    monkeypatch.setattr(verify, "TargetProcess", Here)


@pytest.fixture
def program(tmp_path) -> Callable[..., str]:
    """Write a program and give the target of that name in it."""

    def write(text: str, name: str = "gradients", file: str = "mine.py") -> str:
        path = tmp_path / file
        path.write_text(textwrap.dedent(text))
        return f"{path}:{name}" if name else str(path)

    return write
