"""Workers die, hang, babble and chatter; the parent says so, goes on, and leaves none behind."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from samegrad.benchmarks.clock.crew import WorkerProcess
from samegrad.impls.child import STDERR_LINES, THREAD_VARIABLES, Failed, environment, pinnable, pinned
from tests.benchmarks.conftest import TIME_LIMIT_S

ROOT = Path(__file__).parents[2]
CALL = {"key": "function", "prefix": 0, "calls": 1}
CASE = {"key": "w", "pass_name": "forward", "task": {"problem": ""}}
FOUR = ("numpy", "keras-xla", "torch-eager", "jax-jit")


def pid_of(worker):
    return worker.pid


def is_gone(pid):
    """Whether a process has ended; one that nobody has buried yet has ended too."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def ends(pid, within_s=30.0):
    """Whether it ends while we look; the limit is only for a test that fails."""
    deadline_s = time.monotonic() + within_s
    while not is_gone(pid):
        if time.monotonic() > deadline_s:
            return False
        time.sleep(0.01)
    return True


def failure(worker, **request):
    with pytest.raises(Failed) as failed:
        worker.ask("time", **CALL | request)
    return failed.value


@contextlib.contextmanager
def limited_files(number):
    """At most so many open files in this process, really."""
    resource = pytest.importorskip("resource", reason="this platform has no resource limits")
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (number, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


class TestFailures:
    @pytest.mark.parametrize(
        ("fault", "status"),
        [
            ("dies", "exit status 3"),
            ("is_killed", "signal 9, SIGKILL; the system kills so where memory runs out"),
            ("crashes", "signal 11, SIGSEGV"),
        ],
    )
    def test_a_death_is_reported_with_its_status(self, spawn, fault, status):
        worker = spawn(fault)
        failed = failure(worker)
        assert failed.kind == "died" and failed.is_gone
        assert failed.reason == f"{fault}'s worker died during 'time' ({status})"
        assert is_gone(pid_of(worker))

    def test_the_last_lines_of_its_standard_error_are_kept(self, spawn):
        assert failure(spawn("dies")).stderr[-1] == "about to leave"

    def test_a_request_to_a_dead_worker_fails_again(self, spawn):
        worker = spawn("calm")
        os.kill(pid_of(worker), signal.SIGKILL)
        assert ends(pid_of(worker))
        first, second = failure(worker), failure(worker)
        assert first.kind == second.kind == "died"
        assert "calm's worker" in first.reason and "signal 9" in first.reason

    def test_one_that_hangs_is_given_up_and_ended(self, spawn):
        worker = spawn("hangs")
        worker.time_limit_s = 0.2
        failed = failure(worker)
        assert failed.kind == "hung" and failed.is_gone
        assert failed.reason == "hangs gave no answer to 'time' within 0.2 s"
        assert failed.stderr[-1] == "still here"
        assert is_gone(pid_of(worker))

    @pytest.mark.slow
    def test_all_answers_about_a_case_share_one_limit(self, spawn):
        """Each is given in time, but not their sum; the next case has the whole limit again."""
        worker = spawn("waits_for_a_signal")  # half a second
        worker.time_limit_s = 30.0
        with pytest.raises(Failed, match="unknown problem"):
            worker.ask("prepare", **CASE)
        worker._case_left_s = 0.75 + worker.waited_s
        assert worker.ask("time", **CALL)["ns"] > 4e8
        assert failure(worker).reason == "waits_for_a_signal did not finish the case within 30 s; it was at 'time'"
        assert is_gone(pid_of(worker))

    def test_what_a_worker_has_started_ends_with_it(self, spawn):
        worker = spawn("starts_another")
        worker.ask("time", **CALL)
        [child] = psutil.Process(pid_of(worker)).children()
        worker.close()
        assert ends(child.pid)

    def test_a_system_that_starts_no_process_is_reported(self):
        """With no file descriptor left."""
        taken = []
        with pytest.raises(OSError, match="Too many open files"), limited_files(64):
            while True:
                taken.append(os.dup(0))
        try:
            with limited_files(64), pytest.raises(Failed, match=r"w's worker could not be started: .*open files"):
                WorkerProcess("w", 1, TIME_LIMIT_S)
        finally:
            for number in taken:
                os.close(number)

    @pytest.mark.parametrize(("fault", "answer"), [("babbles", "glossolalia"), ("answers_a_list", "[1, 2]")])
    def test_nonsense_is_shown_and_its_worker_ended(self, spawn, fault, answer):
        worker = spawn(fault)
        failed = failure(worker)
        assert failed.kind == "nonsense" and failed.is_gone
        assert failed.reason == f"{fault} answered 'time' with {answer.encode()!r}, not with JSON"
        assert is_gone(pid_of(worker))

    def test_what_raises_stays_in_service(self, spawn):
        worker = spawn("raises")
        for _ in range(2):
            failed = failure(worker)
            assert failed.kind == "exception" and not failed.is_gone
        assert not is_gone(pid_of(worker))

    def test_a_failure_at_the_start_is_reported(self):
        worker = WorkerProcess("w", 1, TIME_LIMIT_S)
        try:
            with pytest.raises(Failed, match=r"ImportError: libcuda\.so\.1 is not there"):
                worker.ask("start", target="tests.benchmarks.planted:fails_to_start", threads=1, function=True)
        finally:
            worker.close()


class TestChatter:
    def test_what_is_printed_never_reaches_the_protocol(self, spawn):
        """By print, by the system call, by a child; even an answer that looks like one of ours."""
        worker = spawn("chatters")
        for _ in range(3):
            assert worker.ask("time", **CALL)["ns"] > 1
        lines = worker.last_lines()
        assert {"by print", '{"ns": 1}', "by the system", "by a child"} <= set(lines)

    def test_much_of_it_neither_blocks_nor_fills_the_report(self, spawn):
        """More than a pipe holds; the last lines are kept."""
        worker = spawn("writes_much")
        assert worker.ask("time", **CALL)["ns"] > 0
        assert worker.last_lines() == [f"line {number}" for number in range(20_000 - STDERR_LINES, 20_000)]


class TestEnds:
    def test_closing_ends_a_worker_that_is_busy(self, spawn):
        worker = spawn("hangs")
        worker.send("time", **CALL)
        worker.close()
        assert is_gone(pid_of(worker))
        worker.close()  # a second time does no harm
        assert worker.last_lines() == []

    def test_an_interrupt_is_the_parent_s_to_handle(self, spawn):
        """Ctrl-C reaches every process of the terminal; a worker finishes what it was asked for."""
        worker = spawn("waits_for_a_signal")
        worker.send("time", **CALL)
        for _ in range(3):
            os.kill(pid_of(worker), signal.SIGINT)
        assert worker.receive("time")["ns"] > 0

    @pytest.mark.parametrize("is_busy", [False, True], ids=["idle", "busy"])
    def test_no_worker_outlives_a_parent_that_was_killed(self, is_busy):
        """Whatever ends the parent ends its workers: an idle one reads the end of its input, a busy one a signal."""
        if is_busy and sys.platform != "linux":
            pytest.skip("only Linux tells a process that its parent has ended")
        script = f"""
import time
from samegrad.benchmarks.clock.crew import WorkerProcess
worker = WorkerProcess("w", 1, {TIME_LIMIT_S})
worker.ask("start", target="tests.benchmarks.planted:hangs", threads=1, function=True)
if {is_busy}:
    worker.send("time", key="function", prefix=0, calls=1)
print(worker.pid, flush=True)
time.sleep(600)
"""
        parent = subprocess.Popen([sys.executable, "-c", script], cwd=ROOT, stdout=subprocess.PIPE, text=True)
        try:
            pid = int(parent.stdout.readline())
            assert not is_gone(pid)
        finally:
            parent.kill()
            parent.wait()
            parent.stdout.close()
        assert ends(pid)


@pytest.mark.slow
def test_time_in_which_the_parent_was_stopped_is_not_counted_as_waiting():
    """As when the machine sleeps: both are stopped for longer than the limit, and the answer comes all the same."""
    script = f"""
import os, subprocess, time
from samegrad.benchmarks.clock.crew import WorkerProcess
worker = WorkerProcess("w", 1, {TIME_LIMIT_S})
worker.ask("start", target="tests.benchmarks.planted:waits_for_a_signal", threads=1, function=True)
worker.time_limit_s = 2.0
both = f"{{os.getpid()}} {{worker.pid}}"
sleep = f"sleep 0.1; kill -STOP {{both}}; sleep 2.5; kill -CONT {{both}}"
before_s = time.monotonic()
stopping = subprocess.Popen(["sh", "-c", sleep], start_new_session=True)
while stopping.poll() is None:  # so that the stop is in one of these, however late it comes
    assert worker.ask("time", key="function", prefix=1, calls=1)["ns"] > 0
assert time.monotonic() - before_s > 2.5
worker.close()
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


class TestPinning:
    @pytest.fixture(autouse=True)
    def _platform(self):
        if not pinnable():
            pytest.skip("this platform cannot pin")

    def test_it_lasts_as_long_as_the_block_however_that_ends(self):
        before = os.sched_getaffinity(0)
        with pytest.raises(ZeroDivisionError), pinned([max(before)]):
            assert os.sched_getaffinity(0) == {max(before)}
            raise ZeroDivisionError
        assert os.sched_getaffinity(0) == before

    def test_ctrl_c_that_comes_while_it_waits_for_the_cpu_leaves_nothing_pinned(self, monkeypatch):
        """What the next start would inherit, and the run file would record."""
        before, pin = os.sched_getaffinity(0), os.sched_setaffinity

        def interrupted(pid, cpus):
            pin(pid, cpus)
            monkeypatch.setattr(os, "sched_setaffinity", pin)
            raise KeyboardInterrupt

        monkeypatch.setattr(os, "sched_setaffinity", interrupted)
        with pytest.raises(KeyboardInterrupt), pinned([max(before)]):
            pass
        assert os.sched_getaffinity(0) == before

    def test_no_cpus_mean_no_pinning(self):
        before = os.sched_getaffinity(0)
        with pinned([]):
            assert os.sched_getaffinity(0) == before

    @pytest.mark.slow
    @pytest.mark.parametrize("name", FOUR)
    def test_all_threads_of_all_workers_are_on_one_and_the_same_cpu(self, workers, name):
        """As the worker reports it, and as the system has it for each of its threads."""
        process, state = workers(name)
        assert state["affinity"] == pinnable()[-1:]
        assert state["pid"] == pid_of(process)
        threads = [thread.id for thread in psutil.Process(state["pid"]).threads()]
        assert {frozenset(os.sched_getaffinity(thread)) for thread in threads} == {frozenset(state["affinity"])}


def test_workers_find_the_packages_that_the_parent_finds(monkeypatch, tmp_path):
    """A path that is relative to the parent's folder means the same folder in theirs."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(["mine", "", "/else"]))
    assert environment(threads=1)["PYTHONPATH"] == os.pathsep.join([str(ROOT), f"{tmp_path}/mine", "/else"])


class TestThreads:
    def test_the_variables_are_set_before_the_worker_starts(self, workers):
        actual = psutil.Process(workers("numpy").state["pid"]).environ()
        assert {name: actual[name] for name in THREAD_VARIABLES} == dict.fromkeys(THREAD_VARIABLES, "1")

    def test_another_number_is_set_as_well(self):
        worker = WorkerProcess("w", 3, TIME_LIMIT_S)
        try:
            worker.ask("forget")  # it is up: the system tells nothing of an environment that is only being laid out
            actual = psutil.Process(pid_of(worker)).environ()
            assert {actual[name] for name in THREAD_VARIABLES} == {"3"}
        finally:
            worker.close()

    @pytest.mark.slow
    @pytest.mark.parametrize(
        ("name", "pools"),
        [
            ("numpy", {"(blas)"}),
            ("torch-eager", {"torch intra-op", "torch inter-op"}),
            ("keras-xla", {"tensorflow intra-op", "tensorflow inter-op"}),
        ],
    )
    def test_every_pool_reads_back_one_thread(self, workers, name, pools):
        """From the frameworks themselves, and from every OpenMP and BLAS library that is loaded."""
        actual = dict(workers(name).state["threads"])
        actual.pop("threads of the process")
        assert all(any(pool in found_pool for found_pool in actual) for pool in pools), actual
        assert set(actual.values()) == {1}, actual
