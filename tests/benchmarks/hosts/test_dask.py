"""The same benchmarks on real Dask workers: alone on their host, once, and what dies is named."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from contextlib import contextmanager

import psutil
import pytest

from samegrad.benchmarks.documents.run import RunDocument
from samegrad.benchmarks.hosts.measuring import Lost, Order
from samegrad.impls.documents.base import read
from tests.benchmarks.hosts.smallest_run import TINY

dask = pytest.importorskip("dask")
distributed = pytest.importorskip("distributed")

from samegrad.benchmarks.hosts import on_dask  # noqa: E402

pytestmark = [pytest.mark.slow, pytest.mark.skipif(os.name != "posix", reason="needs flock")]

LIMIT_S = 120.0


@contextmanager
def cluster(workers, **resources):
    """A scheduler and workers, each a process with a nanny, as `dask worker` starts them."""
    from distributed import LocalCluster

    with LocalCluster(
        n_workers=workers, threads_per_worker=1, processes=True, resources=resources, dashboard_address=None
    ) as running:
        yield running


@pytest.fixture(scope="module")
def two():
    with cluster(2, SAMEGRAD=1) as running:
        yield running


def command(*arguments, cwd):
    return subprocess.run(
        [sys.executable, "-m", "samegrad", "hosts", *map(str, arguments)],
        cwd=cwd, capture_output=True, text=True, check=False, timeout=240,
    )  # fmt: skip


def introduced(client):
    """Every worker as one of its own, though they are of one host."""
    return [
        on_dask.HostWorker(address, about["host"], pid, "a CPU")
        for address, (about, pid) in client.run(on_dask.introduce).items()
    ]


def measuring_of(pid):
    """The measuring processes of a worker that are alive."""
    with_commands = [(child, child.cmdline()) for child in psutil.Process(pid).children(recursive=True)]
    return [child for child, words in with_commands if "samegrad.benchmarks.hosts.leash" in words]


def test_a_host_is_measured_once_and_what_is_missing_is_added(two, tmp_path):
    """Two workers, one host: one file. Another batch is then measured alone."""
    done = command("--dask", two.scheduler_address, "--out", "runs", "--", *TINY, cwd=tmp_path)
    [path] = (tmp_path / "runs").iterdir()
    assert re.search(r"^host \w{8} \(.*\): saved in runs/\w{12}\.json$", done.stdout, re.M), done
    assert done.returncode in (0, 3) and "of 1 hosts can be merged." in done.stdout
    first = read(path, [RunDocument])
    assert first.samegrad.environment.identity.host == path.stem
    assert "OMP_NUM_THREADS" not in first.samegrad.environment.variables, "Dask sets it, and not the user"

    content = json.loads(path.read_text(encoding="utf-8"))
    for launch in content["samegrad"]["launches"]:  # this machine may be busy, and would then be measured anew
        launch |= {"foreign_cpus": 0.0, "stolen": 0.0}
    path.write_text(json.dumps(content), encoding="utf-8")
    wider = [option.replace("--batches=4", "--batches=4,8") for option in TINY]
    command("--dask", two.scheduler_address, "--resume", "runs", "--", *wider, cwd=tmp_path)
    again = read(path, [RunDocument])
    samples = {one.group: one.stats.data for one in again.benchmarks}
    assert samples[first.benchmarks[0].group] == pytest.approx(first.benchmarks[0].stats.data)
    assert len(samples) == 2 and again.samegrad.resumed.groups == {first.benchmarks[0].group: 1}


def test_two_workers_of_one_host_take_turns(two):
    """Asked both at once; the intervals of their measuring do not overlap."""
    with two.get_client() as client:
        both = introduced(client)
        assert len({worker.pid for worker in both}) == 2 and len({worker.host for worker in both}) == 1
        orders = {worker: Order(TINY, LIMIT_S) for worker in both}
        results = [result for _, result in on_dask.measured(client, orders, "turns", lambda text: None)]
    assert all(result.content for result in results), results
    assert [result.status for result in results] == [0, 0], [result.last_lines for result in results]
    first, second = sorted(results, key=lambda result: result.began_s)
    assert first.began_s < first.ended_s <= second.began_s < second.ended_s


def test_a_worker_killed_in_mid_run_is_named_and_the_other_s_result_kept():
    """Its measuring ends with it, and is not repeated by the worker that takes its place."""
    with cluster(2, SAMEGRAD=1) as running, running.get_client() as client:
        both = introduced(client)
        orders = {worker: Order(TINY, LIMIT_S) for worker in both}
        killed, orphans = [], []

        def kill_one(text):
            for worker in both:
                if not killed and (actual := measuring_of(worker.pid)):
                    orphans.extend(actual)
                    killed.append(worker)
                    os.kill(worker.pid, signal.SIGKILL)

        results = dict(on_dask.measured(client, orders, "killed", kill_one))
        [dead] = killed
        [other] = set(both) - {dead}
        assert results[dead] == Lost("its worker died, or lost its connection, while it measured")
        assert results[other].status == 0 and results[other].content
        psutil.wait_procs(orphans, timeout=30)
        assert not any(one.is_running() and one.status() != psutil.STATUS_ZOMBIE for one in orphans)


def test_no_worker_is_overlooked_while_dask_looks_up_its_own_copy(two):
    """Dask's copy names no worker, and comes every millisecond here."""
    with dask.config.set({"distributed.client.scheduler-info-interval": "1ms"}):
        client = on_dask.connect(two.scheduler_address)
    with client:
        assert {len(on_dask.registered(client)) for _ in range(300)} == {2}


def test_a_worker_that_was_started_again_does_not_measure(two):
    with two.get_client() as client:
        [worker, _] = introduced(client)
        orders = {worker._replace(pid=worker.pid + 1): Order(TINY, LIMIT_S)}
        [(_, result)] = on_dask.measured(client, orders, "again", lambda text: None)
    assert result == Lost("its worker died and was started again; a measurement is not repeated unasked")


def test_what_takes_too_long_is_ended_and_named(two, tmp_path):
    done = command("--dask", two.scheduler_address, "--limit", "1", "--out", "runs", "--", *TINY, cwd=tmp_path)
    assert done.returncode == 2 and "it took longer than 1 s" in done.stdout, done
    assert "0 of 1 hosts can be merged." in done.stdout and not list((tmp_path / "runs").iterdir())


def test_options_that_pytest_refuses_are_said_by_the_host(two, tmp_path):
    done = command("--dask", two.scheduler_address, "--out", "runs", "--", "--batches=none", cwd=tmp_path)
    assert done.returncode == 2 and "pytest ended with status 4: ERROR: --batches takes a whole number" in done.stdout


def test_a_worker_without_the_resource_is_told_how_to_be_started(tmp_path):
    with cluster(1) as running:
        done = command("--dask", running.scheduler_address, "--out", "runs", cwd=tmp_path)
    assert done.returncode == 2 and "start it with --resources SAMEGRAD=1" in " ".join(done.stdout.split())


def test_a_scheduler_that_does_not_answer_is_one_line_and_status_2(tmp_path):
    began_s = time.monotonic()
    done = command("--dask", "tcp://127.0.0.1:1", cwd=tmp_path)
    assert done.returncode == 2 and done.stdout == "" and done.stderr.count("\n") == 1, done
    assert done.stderr.startswith("samegrad: --dask tcp://127.0.0.1:1: no scheduler answers there")
    assert time.monotonic() - began_s < 60 and not (tmp_path / "reports").exists()


def test_an_option_that_the_command_gives_itself_is_refused(tmp_path):
    done = command("--dask", "tcp://127.0.0.1:1", "--", "--resume=x.json", cwd=tmp_path)
    assert (
        done.returncode == 2 and "--resume=x.json is set on each host" in done.stderr and done.stderr.count("\n") == 1
    )
