"""Where the developers' tools are missing, the test files that need them are left out, and the header says so.

`make test` shares the tests out by `groups.py`.
"""

from __future__ import annotations

import importlib.util
import os
import re
from pathlib import Path
from typing import Any

import pytest

from tests import groups

for name in [name for name in os.environ if name.startswith("PYTEST_XDIST")]:
    del os.environ[name]  # or a pytest that a test starts takes itself for a worker of this run, and measures nothing

MISSING = [name for name in ("hypothesis", "mpmath") if importlib.util.find_spec(name) is None]
IMPORTS = re.compile(rf"^(?:import|from) (?:{'|'.join(MISSING)})\b", re.MULTILINE) if MISSING else None


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    if IMPORTS and collection_path.suffix == ".py" and IMPORTS.search(collection_path.read_text(encoding="utf-8")):
        return True
    return None


def pytest_report_header(config: pytest.Config) -> str | None:
    if not MISSING:
        return None
    return f"left out: tests that need {' or '.join(MISSING)}; pip install -c constraints.txt -e '.[dev]'"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    groups.slowest_first(items)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    return groups.make_scheduler(config, log) if config.getoption("dist") == "loadfile" else None
