"""Two hosts on one machine: each has a network and a host name of its own, and a link that can be taken down."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import psutil
import pytest

from samegrad.benchmarks.clock import identity
from samegrad.benchmarks.clock.environment import read_text
from samegrad.benchmarks.documents.run import RunDocument
from samegrad.impls.documents.base import read
from samegrad.reports import machines
from samegrad.reports.material import gather
from tests.benchmarks.hosts.smallest_run import TINY

pytest.importorskip("distributed")
TOOLS = ("ip", "nsenter", "unshare", "hostname")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        os.name != "posix" or os.geteuid() != 0 or not all(map(shutil.which, TOOLS)),
        reason=f"makes namespaces, as root, with {', '.join(TOOLS)}",
    ),
]

HUB, A, B = (f"samegrad-{os.getpid()}-{name}" for name in ("hub", "a", "b"))
NETWORKS = {A: "10.77.1", B: "10.77.2"}
"""The hub, where the scheduler and the command run, is .1 in each; the host is .2."""
REFUSALS = "not permitted|not supported|denied|[Uu]nknown device type|Read-only"
PORT = 8786


def name_of(namespace):
    """The host name inside, and that of the link to it."""
    return namespace.rpartition("-")[2]


def ip(*words):
    done = subprocess.run(["ip", *words], capture_output=True, text=True, check=False)
    if done.returncode:
        raise OSError(f"ip {' '.join(words)}: {done.stderr.strip()}")
    return done.stdout


def remove(namespace):
    """End all that runs in a namespace of ours, and the namespace."""
    with suppress(OSError):
        for pid in ip("netns", "pids", namespace).split():
            with suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)
        ip("netns", "delete", namespace)


@pytest.fixture(scope="module")
def network():
    """The hub, and two hosts that are linked to it and not to each other."""
    with ExitStack() as made:
        try:
            for namespace in (HUB, A, B):
                made.callback(remove, namespace)
                ip("netns", "add", namespace)
                ip("-n", namespace, "link", "set", "dev", "lo", "up")
            for host, prefix in NETWORKS.items():
                to_host = name_of(host)
                ip("-n", HUB, "link", "add", "name", to_host, "type", "veth", "peer", "name", "hub", "netns", host)
                for namespace, device, number in ((HUB, to_host, 1), (host, "hub", 2)):
                    ip("-n", namespace, "address", "add", f"{prefix}.{number}/24", "dev", device)
                    ip("-n", namespace, "link", "set", "dev", device, "up")
        except OSError as error:
            if not re.search(REFUSALS, str(error)):
                raise
            pytest.skip(f"the kernel refuses: {error}")
        yield
    assert not set(ip("netns", "list").split()) & {HUB, A, B}


def link(host, state):
    """Take a host's link "down" or "up", at the hub's end: the host keeps its address and its routes."""
    ip("-n", HUB, "link", "set", "dev", name_of(host), state)


def inside(namespace, *command, **options):
    return subprocess.Popen(["nsenter", f"--net=/run/netns/{namespace}", *command], **options)


def hash_of(host):
    return identity.host(name_of(host), read_text(Path("/etc/machine-id")) or "")


class Hosts:
    """A scheduler in the hub and a worker on each host; `logs` is a folder."""

    def __init__(self, logs):
        self.logs, self.processes = logs, {}
        self._start(HUB, "scheduler", "--port", str(PORT), "--no-dashboard")
        for host in NETWORKS:
            self.start_worker(host)
        self.wait_for(HUB, "Scheduler at:")
        for host in NETWORKS:
            self.wait_for(host, "Registered to:")

    def _start(self, namespace, role, *arguments):
        name = ["unshare", "--uts", "sh", "-c", f'hostname {name_of(namespace)} && exec "$@"', "sh"]
        command = [*name, sys.executable, "-m", f"distributed.cli.dask_{role}", *arguments]
        with (self.logs / namespace).open("wb") as log:
            self.processes[namespace] = inside(namespace, *command, stdout=log, stderr=log)

    def wait_for(self, namespace, text):
        wait_until(lambda: text in (self.logs / namespace).read_text(encoding="utf-8"))

    def start_worker(self, host):
        address = f"tcp://{NETWORKS[host]}.1:{PORT}"
        self._start(host, "worker", address, "--nthreads", "1", "--resources", "SAMEGRAD=1", "--no-dashboard")

    def measuring(self, host):
        """The measuring processes of a host, without the copies that they fork and that become something else."""
        parents = {}
        with suppress(psutil.NoSuchProcess):
            for child in psutil.Process(self.processes[host].pid).children(recursive=True):
                with suppress(psutil.NoSuchProcess):
                    if "samegrad.benchmarks.hosts.leash" in child.cmdline():
                        parents[child.pid] = child.ppid()
        return {pid for pid, parent in parents.items() if parent not in parents}

    @contextmanager
    def command(self, *arguments, cwd):
        """`samegrad hosts` as it runs in the hub."""
        words = [sys.executable, "-m", "samegrad", "hosts", "--dask", f"tcp://127.0.0.1:{PORT}", *arguments]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        with inside(HUB, *words, "--", *TINY, cwd=cwd, **pipes) as running:
            try:
                yield running
            finally:
                running.kill()

    def first_to_measure(self):
        """The host that measures first, and the other, which waits."""
        wait_until(lambda: any(map(self.measuring, NETWORKS)))
        return (A, B) if self.measuring(A) else (B, A)


@pytest.fixture(scope="module")
def all_tests_hosts(network, tmp_path_factory):
    return Hosts(tmp_path_factory.mktemp("logs"))


@pytest.fixture
def two(all_tests_hosts):
    """The hosts, whose links are up, also where the test before has failed."""
    yield all_tests_hosts
    for host in NETWORKS:
        link(host, "up")


def wait_until(is_so, at_most_s=150):
    deadline_s = time.monotonic() + at_most_s
    while not (answer := is_so()):
        assert time.monotonic() < deadline_s, "it did not come"
        time.sleep(0.2)
    return answer


def end_of(running, at_most_s=240):
    output, errors = running.communicate(timeout=at_most_s)
    assert errors == "" or "Traceback" not in errors, errors
    return " ".join(output.split())


def files(folder):
    """By host the path of its run file."""
    return {host: folder / "runs" / f"{hash_of(host)}.json" for host in NETWORKS}


def as_if_alone(path):
    """This machine may be busy, and the file would be left out."""
    content = json.loads(path.read_text(encoding="utf-8"))
    for launch in content["samegrad"]["launches"]:
        launch |= {"foreign_cpus": 0.0, "stolen": 0.0}
    content["samegrad"]["noise"] |= {"noisy": False, "reasons": []}
    path.write_text(json.dumps(content), encoding="utf-8")


def test_two_hosts_of_one_machine_are_two_files_and_measure_in_turns(two, tmp_path):
    """Their names differ and their CPUs are the same."""
    of, seen_s = files(tmp_path), {A: [], B: []}
    with two.command("--out", "runs", cwd=tmp_path) as running:
        while running.poll() is None:
            for host in NETWORKS:
                seen_s[host] += [time.monotonic()] if two.measuring(host) else []
            time.sleep(0.2)
        output = end_of(running)
    assert running.returncode in (0, 3) and "MISSING" not in output, output
    assert set((tmp_path / "runs").iterdir()) == {of[A], of[B]}
    first, second = sorted(seen_s.values())
    assert first[-1] < second[0], "both measured at once"
    for host in NETWORKS:
        as_if_alone(of[host])
        assert read(of[host], [RunDocument]).samegrad.environment.identity.host == hash_of(host)
    [group] = machines.merge(gather(list(of.values())).machines)
    assert len(group.machines) == 2


def test_a_link_that_is_down_for_ten_seconds_in_mid_run_costs_nothing(two, tmp_path):
    of = files(tmp_path)
    with two.command("--out", "runs", cwd=tmp_path) as running:
        cut, other = two.first_to_measure()
        once = two.measuring(cut)
        link(cut, "down")
        down_until_s, again = time.monotonic() + 10, set()
        while time.monotonic() < down_until_s:
            again |= two.measuring(cut) - once
            time.sleep(0.2)
        assert not of[cut].exists(), "the link was not down"
        link(cut, "up")
        while running.poll() is None:
            again |= two.measuring(cut) - once
            time.sleep(0.2)
        output = end_of(running)
    assert running.returncode in (0, 3) and "MISSING" not in output, output
    assert of[cut].exists() and of[other].exists() and not again


def test_a_link_that_is_down_while_a_result_is_fetched_costs_nothing(two, tmp_path):
    """The command sleeps until the host has its result and no link."""
    of = files(tmp_path)
    with two.command("--out", "runs", cwd=tmp_path) as running:
        cut, other = two.first_to_measure()
        running.send_signal(signal.SIGSTOP)
        wait_until(lambda: not two.measuring(cut))
        time.sleep(1)
        link(cut, "down")
        running.send_signal(signal.SIGCONT)
        time.sleep(14)
        link(cut, "up")
        output = end_of(running)
    assert running.returncode in (0, 3) and "MISSING" not in output, output
    assert of[cut].exists() and of[other].exists()


def test_a_link_that_stays_down_is_named_and_resumed_when_it_is_back(two, tmp_path):
    of = files(tmp_path)
    with two.command("--out", "runs", cwd=tmp_path) as running:
        cut, other = two.first_to_measure()
        link(cut, "down")
        output = end_of(running)
    missing = rf"MISSING: host {hash_of(cut)[:8]} \(.*\): its worker died, or lost its connection, while it measured"
    assert re.search(missing, output) and running.returncode == 3, output
    assert of[other].exists() and not of[cut].exists()
    wait_until(lambda: not two.measuring(cut))
    two.processes[cut].wait(60)

    as_if_alone(of[other])
    samples = read(of[other], [RunDocument]).benchmarks[0].stats.data
    link(cut, "up")
    two.start_worker(cut)
    two.wait_for(cut, "Registered to:")
    with two.command("--resume", "runs", cwd=tmp_path) as running:
        output = end_of(running)
    assert "MISSING" not in output and of[cut].exists(), output
    assert read(of[other], [RunDocument]).benchmarks[0].stats.data == pytest.approx(samples)
