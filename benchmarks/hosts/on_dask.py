"""Hosts by Dask: one worker of each, its task run there once, and each result taken as soon as it is there."""

from __future__ import annotations

import os
import re
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from samegrad.benchmarks.clock.identity import identity
from samegrad.benchmarks.hosts.measuring import Lost, Measure, Measured, Order, measure
from samegrad.impls.errors import BadInput, Unavailable, one_line
from samegrad.impls.studies.cluster import ADDRESS

if TYPE_CHECKING:
    from distributed import Client

RESOURCE = "SAMEGRAD"
CONNECT_S = 10
LOOK_S = 0.5


class HostWorker(NamedTuple):
    """A worker that was asked who it is."""

    address: str
    host: str
    pid: int
    """Of the process that was asked; another one is a restarted one, whose task was to be run once."""
    machine: str

    @property
    def name(self) -> str:
        return f"host {self.host[:8]} ({self.machine})"


@contextmanager
def engine(address: str) -> Iterator[Measure]:
    """What measures on each host that has a worker of this scheduler. Raises BadInput, and Unavailable without Dask."""
    client = connect(address)
    try:
        yield partial(results, client, *workers(client))
    finally:
        client.close(timeout=5)


def results(
    client: Client,
    able: Mapping[str, HostWorker],
    refused: Mapping[str, str],
    order: Order,
    earlier: Mapping[str, str],
    _: Path,
    say: Callable[[str], None],
) -> Iterator[tuple[str, Measured | Lost]]:
    """Each host with its result as it comes in, after the workers that cannot measure."""
    yield from ((address, Lost(reason)) for address, reason in refused.items())
    orders = {worker: order._replace(earlier=earlier.get(host, "")) for host, worker in able.items()}
    for worker, result in measured(client, orders, secrets.token_hex(4), say):
        yield worker.name, result


def connect(address: str) -> Client:
    """The scheduler at that address. Raises BadInput where none answers, Unavailable without Dask."""
    try:
        from distributed import Client
    except ImportError:
        raise Unavailable("--dask needs Dask: pip install 'samegrad[cluster]'") from None
    if not re.fullmatch(ADDRESS, address):
        raise BadInput(f"--dask takes tcp://HOST:PORT, found {address!r}")
    try:
        return Client(address, timeout=CONNECT_S)
    except Exception as error:  # what answers at a port that is no scheduler's makes Dask raise all sorts of things
        raise BadInput(
            f"--dask {address}: no scheduler answers there within {CONNECT_S} s ({type(error).__name__}); "
            "start one by: dask scheduler"
        ) from None


def introduce(dask_worker: Any) -> tuple[dict[str, Any], int]:
    """On a worker: its host's identity and its process. Its profiler, which would look up every 10 ms, is stopped."""
    for name in ("profile", "profile-cycle"):
        if callback := dask_worker.periodic_callbacks.get(name):
            callback.stop()
    return identity(), os.getpid()


def registered(client: Client) -> dict[str, dict[str, Any]]:
    """What the scheduler says of each of its workers, by address.

    It is asked here: `client.scheduler_info` gives a copy that Dask overwrites every 2 s by one without any worker.
    """
    known: dict[str, dict[str, Any]] = client.sync(client.scheduler.identity, n_workers=-1)["workers"]
    return known


def workers(client: Client) -> tuple[dict[str, HostWorker], dict[str, str]]:
    """By host one worker that can measure, and by address why the others cannot. Raises BadInput without any worker."""
    known = registered(client)
    if not known:
        raise BadInput("the scheduler has no workers; start one on each host by: dask worker … --resources SAMEGRAD=1")
    refused = {
        address: f"its worker has no resource {RESOURCE}; start it with --resources {RESOURCE}=1"
        for address, about in known.items()
        if about.get("resources", {}).get(RESOURCE, 0) < 1
    }
    able = [address for address in known if address not in refused]
    answers = client.run(introduce, workers=able, on_error="return") if able else {}
    by_host: dict[str, HostWorker] = {}
    for address, answer in answers.items():
        if isinstance(answer, BaseException):
            refused[address] = f"its worker cannot use samegrad: {one_line(answer)}"
            continue
        about, pid = answer
        by_host.setdefault(
            about["host"], HostWorker(address, about["host"], pid, about["cpu"] or about["architecture"])
        )
    return by_host, refused


def on_worker(order: Order, pid: int) -> Measured:
    """`measure`, without the variables that Dask sets in its workers. Raises RuntimeError in a restarted worker."""
    import dask

    if os.getpid() != pid:
        raise RuntimeError("its worker died and was started again; a measurement is not repeated unasked")
    return measure(order, dask.config.get("distributed.nanny.pre-spawn-environ", {}))


def measured(
    client: Client, orders: Mapping[HostWorker, Order], run_id: str, say: Callable[[str], None]
) -> Iterator[tuple[HostWorker, Measured | Lost]]:
    """Each worker with its result as it comes in, or with the reason why there is none."""
    from distributed import as_completed

    futures = {
        client.submit(
            on_worker,
            order,
            worker.pid,
            key=f"samegrad-{run_id}-{worker.host}-{worker.pid}",
            workers=[worker.address],
            allow_other_workers=False,
            resources={RESOURCE: 1},
            retries=0,
            pure=False,
        ): worker
        for worker, order in orders.items()
    }
    ready = as_completed(list(futures))
    while futures:
        say(f"measuring on {len(futures)} host{'' if len(futures) == 1 else 's'}")
        arrived = next(ready) if ready.has_ready() else None
        if arrived in futures:
            if result := _result(arrived):
                yield futures.pop(arrived), result
                continue
            ready.add(arrived)
        for future in _lost(client, futures):
            worker = futures.pop(future)
            future.cancel()
            yield worker, Lost("its worker died, or lost its connection, while it measured")
        time.sleep(LOOK_S)


def _result(future: Any) -> Measured | Lost | None:
    """None where its worker does not answer now: its link may come back, or the scheduler gives it up."""
    try:
        return future.result(timeout=CONNECT_S)
    except TimeoutError:
        return None
    except Exception as error:
        return Lost(one_line(error) or type(error).__name__)


def _lost(client: Client, futures: Mapping[Any, HostWorker]) -> list[Any]:
    """Those whose worker the scheduler no longer has, or all of them without a scheduler."""
    try:
        alive = registered(client)
    except (OSError, RuntimeError, AttributeError):
        if client.status == "running":  # it may answer yet; where it is gone, Dask ends the client
            return []
        alive = {}
    return [future for future, worker in futures.items() if worker.address not in alive]
