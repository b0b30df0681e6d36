"""The tasks of a study on dask.distributed: a scheduler that runs somewhere, or workers of our own on this machine.

Dask queues, balances and retries; every result is taken as it comes. A worker that dies in mid-task costs that task's
time. Where the scheduler is lost, all that is missing is submitted again once it answers: tasks are pure functions of
their seeds, so that it does not matter which of them run twice.
"""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from samegrad.impls.console.options import MOST_THREADS
from samegrad.impls.errors import BadInput, Unavailable, one_line
from samegrad.impls.studies.processes import Done
from samegrad.impls.studies.versions import require_same, versions

if TYPE_CHECKING:
    from distributed import Client

ANSWER_S = 10.0
"""A scheduler answers within this time, or is not there; so do its first worker and that worker's versions."""
PATIENCE_S = 120.0
"""Seconds that a lost scheduler may be away."""
RETRIES = 3
ADDRESS = r"(?:tcp|tls)://\S+:\d{1,5}"
PLACE = re.compile(rf"local:(?P<workers>[1-9]\d{{0,3}})|{ADDRESS}")


class SchedulerLost(Exception):
    """Raised where a scheduler does not answer, or not any more."""


def parsed(place: str) -> int:
    """The number of workers that `local:N` means; 0 for an address. Raises BadInput, and Unavailable without Dask."""
    match = PLACE.fullmatch(place)
    if not match or (workers := int(match["workers"] or 0)) > MOST_THREADS:
        raise BadInput(f"--on takes tcp://HOST:PORT or local:N, with N up to {MOST_THREADS}; found {place!r}")
    try:
        import distributed  # noqa: F401
    except ImportError:
        raise Unavailable("--on needs dask.distributed: pip install -c constraints.txt -e '.[cluster]'") from None
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    return workers


@contextmanager
def scheduler(place: str, implementation: str) -> Iterator[str]:
    """The address of a scheduler whose workers have our versions; for `local:N` one of our own with so many workers.

    Raises BadInput where none answers, it has no workers, or their versions differ.
    """
    if not (workers := parsed(place)):
        try:
            with _client(place) as client:
                _require_alike(client, place, implementation)
        except SchedulerLost as reason:
            raise BadInput(f"--on {place}: no scheduler answers there within {ANSWER_S:g} s ({reason})") from None
        yield place
        return
    from distributed import LocalCluster

    with LocalCluster(
        n_workers=workers, threads_per_worker=1, dashboard_address=None, silence_logs=logging.CRITICAL
    ) as cluster:
        yield cluster.scheduler_address


def run(address: str, work: Callable[..., dict[str, Any]], tasks: Mapping[str, dict[str, Any]], done: Done) -> None:
    """Call `work` with the arguments of each task. Raises Unavailable where one fails or the scheduler is gone."""
    left, heard_s = dict(tasks), time.monotonic()
    while left:
        try:
            with _client(address) as client:
                for key, result in _results(client, work, left):
                    done(key, result)
                    del left[key]
                    heard_s = time.monotonic()
        except SchedulerLost as reason:
            if time.monotonic() - heard_s > PATIENCE_S:
                raise Unavailable(f"the scheduler at {address} is gone ({reason})") from None
            time.sleep(1)


@contextmanager
def _client(address: str) -> Iterator[Client]:
    """A client that is connected to the scheduler. Raises SchedulerLost."""
    from distributed import Client

    try:
        asyncio.run(_shake_hands(address))
        client = Client(address, timeout=ANSWER_S)
    except Exception as error:  # what answers at a port that is no scheduler's makes Dask raise all sorts of things
        raise SchedulerLost(one_line(error) or "it is silent") from None
    with client:
        yield client


async def _shake_hands(address: str) -> None:
    """Raise TimeoutError where nobody answers on an open connection: a client would wait for ever."""
    from distributed.comm import connect

    (await asyncio.wait_for(connect(address, timeout=ANSWER_S), ANSWER_S)).abort()


def _results(
    client: Client, work: Callable[..., Any], tasks: Mapping[str, dict[str, Any]]
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each task's result as it comes. Raises SchedulerLost, and Unavailable where one fails."""
    from distributed import as_completed
    from distributed.client import CancelledError

    futures = [
        client.submit(work, key=key, retries=RETRIES, pure=True, **arguments) for key, arguments in tasks.items()
    ]
    for future in as_completed(futures):
        if future.status == "error":
            raise Unavailable(f"a task failed on the cluster: {one_line(future.exception())}")
        try:
            result = future.result()
        except (CancelledError, OSError) as error:
            raise SchedulerLost(one_line(error)) from None
        yield future.key, result


def _require_alike(client: Client, place: str, implementation: str) -> None:
    """Raise BadInput where there is no worker, or one that has other versions."""
    try:
        client.wait_for_workers(1, timeout=ANSWER_S)
    except OSError:
        start = f"dask worker {place} --nthreads 1"
        raise BadInput(f"--on {place}: the scheduler has no worker; start one: {start}") from None
    theirs = client.run(_with_dask, implementation, on_error="return")
    for address, answer in theirs.items():
        if isinstance(answer, BaseException):
            raise BadInput(f"the worker {address} cannot run samegrad: {one_line(answer)}")
    here = _with_dask(implementation)
    found: Any = client.get_versions()
    require_same(here, {**theirs, place: {**here, "distributed": found["scheduler"]["packages"]["distributed"]}})


def _with_dask(implementation: str) -> dict[str, str]:
    import distributed

    return {**versions(implementation), "distributed": distributed.__version__}
