"""How `make test` shares the tests out (`--dist loadfile`): a worker takes a whole group, and runs its tests in a row.

A group is a file, or the tests of a file whose parameter shares a process that is dear to start. Those with the most
slow tests come first, so that what is left for the end is quick, and the workers end together.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

import pytest


def in_process(name: str, process: str, *more: Any) -> Any:
    """A parameter whose tests are a group with those of the same process; `more` are the parameters beside it."""
    return pytest.param(name, *more, id=f"{name} (in {process})")


def group_of(nodeid: str) -> str:
    """The file, with the process where the test names one."""
    file, _, test = nodeid.partition("::")
    process = re.search(r"\(in ([^)]+)\)", test)
    return f"{file} {process[1]}" if process else file


def slowest_first(items: list[pytest.Item]) -> None:
    """Sort by the number of slow tests of their group, in place."""
    slow = Counter(group_of(item.nodeid) for item in items if item.get_closest_marker("slow"))
    items.sort(key=lambda item: -slow[group_of(item.nodeid)])


def make_scheduler(config: pytest.Config, log: Any) -> Any:
    """What pytest-xdist hands groups out with, in the order in which they were collected."""
    from xdist.scheduler import LoadScopeScheduling

    class ByGroup(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return group_of(nodeid)

    config.option.loadscopereorder = False
    return ByGroup(config, log)
