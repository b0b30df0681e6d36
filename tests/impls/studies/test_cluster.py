"""Studies on real Dask schedulers and workers: killed, cut off or of another version, the file is the same, or none."""

from __future__ import annotations

import os
import shlex
import signal
import socket
import subprocess
import sys
import threading
import time
import tomllib
from contextlib import contextmanager, suppress

import pytest

from samegrad.impls.errors import BadInput
from samegrad.impls.studies import cluster, specs
from samegrad.impls.studies.journal import Journal
from samegrad.impls.studies.study import StudyPlan

pytest.importorskip("distributed")
pytestmark = pytest.mark.slow

TOML = """
starts = 600
epochs = 6000
dtype = "float32"
laws = ["normal 0.01"]
optimizers = ["sgd", "adam"]
learning_rates = [0.01, 0.011]
"""
SPEC = specs.possible(tomllib.loads(TOML))
"""Eight tasks of half a second; of some cells nothing is learned, of others a part."""


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    """The document as processes of our own compute it."""
    journal = Journal(tmp_path_factory.mktemp("local"))
    plan = StudyPlan(SPEC)
    plan.run(journal, None, 1, lambda *_: None)
    document = plan.document(journal)
    assert 0 < sum(cell.share for cell in document.cells) < len(document.cells)
    return document.encoded()


@contextmanager
def dask(workers):
    """A scheduler and so many worker processes."""
    from distributed import LocalCluster

    with LocalCluster(n_workers=workers, threads_per_worker=1, processes=True, dashboard_address=None) as started:
        yield started


@contextmanager
def worker_at(address, *arguments):
    """A worker started from a shell, and again where it ends."""
    worker = shlex.join([sys.executable, "-m", "distributed.cli.dask_worker", address, "--nthreads", "1", *arguments])
    loop = ["sh", "-c", f"while true; do {worker} --no-dashboard; sleep 1; done"]
    process = subprocess.Popen(loop, stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        yield
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def run(address, folder, progress=lambda *_: None):
    """The document of a study on that scheduler."""
    journal, plan = Journal(folder), StudyPlan(SPEC)
    plan.run(journal, address, 1, progress)
    return plan.document(journal).encoded()


def test_a_worker_killed_in_mid_task(expected, tmp_path):
    killed = []

    def kill_one(done, total):
        if done == 1 and not killed:
            with Client(started.scheduler_address) as client:
                (busy, tasks) = next(iter(client.processing().items()))
                assert tasks
                killed.append(next(nanny for nanny in started.workers.values() if nanny.worker_address == busy).pid)
            os.kill(killed[0], signal.SIGKILL)

    from distributed import Client

    with dask(2) as started:
        assert run(started.scheduler_address, tmp_path, kill_one) == expected
        assert killed and killed[0] not in [nanny.pid for nanny in started.workers.values()]


class Link:
    """A TCP proxy to an address, which can be lost for some seconds."""

    def __init__(self, host, port):
        self.target, self.ends, self.lost_until_s, self.is_cut = (host, port), [], 0.0, False
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"tcp://127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def lose(self, seconds, is_cut):
        """Carry nothing, as if packets were dropped; with `is_cut` break all connections, and refuse new ones."""
        self.lost_until_s, self.is_cut = time.monotonic() + seconds, is_cut
        for end in self.ends if is_cut else ():
            _end(end)

    def _accept(self):
        while True:
            near, _ = self.listener.accept()
            if self.is_cut and time.monotonic() < self.lost_until_s:
                near.close()
                continue
            far = socket.create_connection(self.target)
            self.ends += [near, far]
            for ends in ((near, far), (far, near)):
                threading.Thread(target=self._carry, args=ends, daemon=True).start()

    def _carry(self, source, target):
        with suppress(OSError):
            while data := source.recv(65536):
                time.sleep(max(0.0, self.lost_until_s - time.monotonic()))
                target.sendall(data)
        _end(source)
        _end(target)


def _end(connection):
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize("is_cut", [False, True], ids=["nothing comes through", "connections break"])
def test_the_link_to_the_scheduler_lost_for_ten_seconds(is_cut, expected, tmp_path):
    """That of the only worker, and that of the client. A worker whose connection breaks ends; a loop starts another."""
    lost_s = []

    def lose_once(done, total):
        if done == 1 and not lost_s:
            lost_s.append(time.monotonic())
            link.lose(10, is_cut)

    with dask(0) as started:
        host, _, port = started.scheduler_address.removeprefix("tcp://").partition(":")
        link = Link(host, int(port))
        with worker_at(link.address):
            started.wait_for_workers(1)
            assert run(link.address, tmp_path, lose_once) == expected
            assert time.monotonic() - lost_s[0] > 10


def test_a_client_killed_and_started_again(expected, tmp_path):
    (tmp_path / "spec.toml").write_text(TOML, encoding="utf-8")
    with dask(1) as started:
        command = [sys.executable, "-m", "samegrad", "study", "spec.toml", "--json", "out.json"]
        command += ["--on", started.scheduler_address]
        with subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.DEVNULL, start_new_session=True) as client:
            journal = tmp_path / "study-tasks"
            wait_until(lambda: journal.is_dir() and len(list(journal.glob("*.json"))) >= 2)
            os.killpg(client.pid, signal.SIGKILL)
        kept = {path: path.stat().st_mtime_ns for path in journal.glob("*.json")}
        assert 2 <= len(kept) < 8 and not (tmp_path / "out.json").exists()
        again = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL)
        wait_until(lambda: len(list(journal.glob("*.json"))) > len(kept) or again.poll() is not None)
        assert {path: path.stat().st_mtime_ns for path in kept} == kept or again.poll() is not None
        assert again.wait() == 0
    assert (tmp_path / "out.json").read_bytes() == expected and not journal.exists()


def wait_until(is_so, at_most_s=120):
    deadline_s = time.monotonic() + at_most_s
    while not is_so():
        assert time.monotonic() < deadline_s
        time.sleep(0.05)


def test_a_worker_of_other_versions_is_refused(tmp_path):
    """Before anything runs; both versions are named."""
    preload = tmp_path / "other.py"
    preload.write_text("import numpy\nnumpy.__version__ = '1.26.4'\n", encoding="utf-8")
    with dask(0) as started, worker_at(started.scheduler_address, "--preload", str(preload)):
        started.wait_for_workers(1)
        with pytest.raises(BadInput, match=r"has other versions than this client: numpy 1\.26\.4 there and \S+ here"):
            run(started.scheduler_address, tmp_path / "journal")
    assert not any((tmp_path / "journal").iterdir())


def test_no_scheduler_no_worker_and_a_stranger_at_the_port(tmp_path, monkeypatch):
    """Within a bounded time, in one line."""
    monkeypatch.setattr(cluster, "ANSWER_S", 2.0)
    no_scheduler = pytest.raises(BadInput, match="no scheduler answers there within 2 s")
    with socket.create_server(("127.0.0.1", 0)) as silent, no_scheduler:
        run(f"tcp://127.0.0.1:{silent.getsockname()[1]}", tmp_path)
    no_worker = pytest.raises(BadInput, match="the scheduler has no worker; start one: dask worker tcp://")
    with dask(0) as started, no_worker:
        run(started.scheduler_address, tmp_path)
