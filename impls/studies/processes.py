"""The tasks of a study on this machine: so many processes of our own, each with one thread and one task at a time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import Any

from samegrad.impls.child import Child, Failed

TRIES = 3
"""How often a task is begun whose process dies."""
TIMEOUT_S = 24 * 3600.0

Done = Callable[[str, dict[str, Any]], None]
"""The function that takes a task's key and its result."""


def run(target: str, tasks: Mapping[str, dict[str, Any]], jobs: int, done: Done) -> None:
    """Call the function `target` ("module:name") with the arguments of each task. Raises Failed, in one line."""
    own, children, is_ending = threading.local(), list[Child](), threading.Event()

    def call(arguments: dict[str, Any]) -> dict[str, Any]:
        for attempt in range(1, TRIES + 1):
            if not hasattr(own, "child") or own.child.is_closed:
                own.child = Child(None, "a task of the study", 1, TIMEOUT_S)
                children.append(own.child)
            try:
                result: dict[str, Any] = own.child.ask(target, **arguments)
                return result
            except Failed as failed:
                if not failed.is_gone or attempt == TRIES or is_ending.is_set():
                    raise
        raise AssertionError

    with ThreadPoolExecutor(jobs) as pool:
        keys = {pool.submit(call, arguments): key for key, arguments in tasks.items()}
        try:
            for future in as_completed(keys):
                done(keys[future], future.result())
        except BaseException:
            is_ending.set()
            pool.shutdown(wait=False, cancel_futures=True)  # what has not begun must not begin now
            for child in children:
                child.kill()
            raise
        finally:
            for child in children:
                child.close()
