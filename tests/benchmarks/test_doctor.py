"""`samegrad doctor`: every handicap is really set where that can be done, in a process of its own, and then found."""

from __future__ import annotations

import ctypes
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from samegrad.benchmarks.clock import cpus, doctor
from samegrad.benchmarks.clock.crew import WorkerProcess
from samegrad.benchmarks.clock.doctor import CHECKS, Machine, examine, turned_off
from samegrad.benchmarks.documents.doctor import Doctor
from samegrad.impls.child import Failed, pinnable
from samegrad.impls.documents import base
from samegrad.impls.errors import BadInput
from samegrad.impls.registry import REGISTRY

ROOT = Path(__file__).parents[2]
OURS = {*doctor.KERNELS, *doctor.FEATURES, *doctor.BINDING, *doctor.SLOWING, *doctor.TRACING, "XLA_FLAGS"}
CLEAN = {key: value for key, value in os.environ.items() if key not in OURS}


def asked(path, *options, **variables):
    """Exit status, and the handicaps by check, of `samegrad doctor`."""
    done = subprocess.run(
        [sys.executable, *options, "-m", "samegrad", "doctor", "--json", str(path)],
        cwd=ROOT,
        env=CLEAN | variables,
        capture_output=True,
        text=True,
        check=False,
    )
    assert path.exists(), done.stderr
    document = json.loads(path.read_text())
    assert document["fit"] is (done.returncode == 0) and done.returncode in (0, 1)
    return {handicap["handicap"]: handicap["sentence"] for handicap in document["handicaps"]}


SET = {
    "OPENBLAS_CORETYPE": ("Prescott", "kernels", r"has BLAS use its kernels for \w+; by itself it takes those for"),
    "NPY_DISABLE_CPU_FEATURES": ("AVX2", "kernels", "keeps instructions of this CPU from being used"),
    "JAX_DISABLE_JIT": ("1", "compilers", "turns off the compiler of jax"),
    "TORCHDYNAMO_DISABLE": ("1", "compilers", "turns off the compiler of torch"),
    "TORCH_COMPILE_DISABLE": ("1", "compilers", "turns off the compiler of torch"),
    "TF_ENABLE_ONEDNN_OPTS": ("0", "variables", "turns off TensorFlow's fast kernels"),
    "JAX_DEBUG_NANS": ("True", "variables", "check or log"),
    "XLA_FLAGS": ("--xla_backend_optimization_level=0", "variables", "changes how XLA compiles or runs"),
    "COVERAGE_PROCESS_START": ("coverage.ini", "tracers", "watched while it is timed"),
    "PYTHONTRACEMALLOC": ("1", "tracers", "watched while it is timed"),
    "PYTHONMALLOC": ("debug", "tracers", "every allocation checked"),
    "PYTHONDEVMODE": ("1", "tracers", "development mode"),
    "GOMP_CPU_AFFINITY": ("0", "binding", "CPUs of its own choice"),
    "OMP_PROC_BIND": ("true", "binding", "CPUs of its own choice"),
}


@pytest.mark.parametrize("variable", SET)
def test_a_variable_that_is_really_set_is_found(variable, tmp_path):
    value, check, sentence = SET[variable]
    before = asked(tmp_path / "before.json")
    outcome = asked(tmp_path / "found.json", **{variable: value})
    assert check not in before and re.search(sentence, outcome[check])
    assert variable in outcome[check] or variable == "PYTHONDEVMODE"


def test_development_mode_by_its_option(tmp_path):
    assert "development mode" in asked(tmp_path / "found.json", "-X", "dev")["tracers"]


@pytest.mark.parametrize("value", ["0", "false", ""])
def test_a_variable_that_says_no_is_none(value):
    names = ("JAX_DISABLE_JIT", "TORCHDYNAMO_DISABLE", "JAX_DEBUG_NANS", "PYTHONTRACEMALLOC")
    assert not list(doctor.compilers(Machine(dict.fromkeys(names, value))))
    assert not list(doctor.variables(Machine(dict.fromkeys(names, value))))
    assert not list(doctor.tracers(Machine(dict.fromkeys(names, value))))


def a_machine(root, **files):
    """A /proc and /sys with these files."""
    for name, text in files.items():
        path = root / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


class TestWhatCannotBeSetHere:
    """A machine's own files, written as the kernel writes them."""

    def test_a_quota(self, tmp_path):
        files = {"sys/fs/cgroup/cgroup.controllers": "cpu", "proc/self/cgroup": "0::/\n"}
        a_machine(tmp_path, **files, **{"sys/fs/cgroup/cpu.max": "50000 100000"})
        assert list(doctor.quota(Machine({}, tmp_path, [0]))) == [
            "this container may use 0.5 CPUs' time and is stopped when it is used up"
        ]
        a_machine(tmp_path, **{"sys/fs/cgroup/cpu.max": "max 100000"})
        assert not list(doctor.quota(Machine({}, tmp_path, [0])))

    def test_efficiency_cores_are_not_chosen_and_found_where_they_are(self, tmp_path, monkeypatch):
        capacity = {f"sys/devices/system/cpu/cpu{cpu}/cpu_capacity": str(1024 if cpu < 2 else 400) for cpu in range(4)}
        a_machine(tmp_path, **capacity)
        monkeypatch.setattr(cpus, "usable", lambda: [0, 1, 2, 3])
        assert cpus.fastest([0, 1, 2, 3], tmp_path) == [0, 1]
        [actual] = doctor.cores(Machine({}, tmp_path, [3]))
        assert "pinned to CPU 3, an efficiency core" in actual
        assert not list(doctor.cores(Machine({}, tmp_path, [1])))

    def test_a_governor_that_saves_power(self, tmp_path):
        a_machine(tmp_path, **{"sys/devices/system/cpu/cpu1/cpufreq/scaling_governor": "powersave"})
        assert "'powersave'" in next(doctor.cores(Machine({}, tmp_path, [1])))

    def test_swapped_memory(self, tmp_path):
        a_machine(tmp_path, **{"proc/meminfo": "MemTotal: 9 kB\nSwapTotal: 1048576 kB\nSwapFree: 524288 kB\n"})
        assert next(doctor.swap(Machine({}, tmp_path))).startswith("512 MiB of memory are swapped out")
        a_machine(tmp_path, **{"proc/meminfo": "SwapTotal: 1048576 kB\nSwapFree: 1048576 kB\n"})
        assert not list(doctor.swap(Machine({}, tmp_path)))

    def test_a_busy_sibling(self, tmp_path):
        """The other thread of the core is one that this test keeps busy."""
        if len(pinnable()) < 2:
            pytest.skip("needs two CPUs")
        own, other = pinnable()[:2]
        a_machine(tmp_path, **{f"sys/devices/system/cpu/cpu{own}/topology/thread_siblings_list": f"{own},{other}\n"})
        busy = subprocess.Popen(["taskset", "-c", str(other), sys.executable, "-c", "while True: pass"])
        try:
            assert any(
                f"CPU {other} is busy" in sentence for sentence in doctor.neighbours(Machine({}, tmp_path, [own]))
            )
        finally:
            busy.kill()
            busy.wait()

    def test_a_debug_build_of_python(self, monkeypatch):
        monkeypatch.setattr(doctor.sysconfig, "get_config_var", {"Py_DEBUG": 1}.get)
        assert list(doctor.tracers(Machine({}))) == ["this Python is a debug build, in which every call is slower"]

    def test_stolen_time(self, monkeypatch):
        from collections import namedtuple

        times = namedtuple("times", ["user", "idle", "steal"])
        readings = iter([[times(0, 0, 0)], [times(1, 8, 1)]])
        monkeypatch.setattr(doctor.psutil, "cpu_times", lambda percpu: next(readings))
        assert list(doctor.neighbours(Machine({}))) == ["other virtual machines take 10% of this one's CPU time"]


class TestPinning:
    def test_where_it_is_forbidden_the_run_goes_on_and_says_so(self, monkeypatch):
        def forbidden(*_):
            raise PermissionError(1, "Operation not permitted")

        monkeypatch.setattr(os, "sched_setaffinity", forbidden)
        assert cpus.choose(1) == []
        assert [actual.handicap for actual in examine(Machine({}, Path("/nowhere"), cpus.choose(1)))] == ["pinning"]

    def test_a_cpu_is_chosen_by_hand_or_refused(self):
        for cpu in pinnable():
            assert cpus.choose(1, [cpu]) == [cpu]
        with pytest.raises(BadInput, match="--cpu 4711: this process may use the CPUs"):
            cpus.choose(1, [4711])

    def test_a_worker_that_an_import_has_moved_is_put_back(self):
        if len(pinnable()) < 2:
            pytest.skip("needs two CPUs")
        first, last = pinnable()[0], pinnable()[-1]
        worker = WorkerProcess("moved", 1, 60)
        try:
            worker.ask("start", target="tests.benchmarks.test_doctor:Moved", threads=1, function=True)
            state = worker.ask("examine", pinned_to=[last])
            assert state["affinity"] == [last] and first != last
        finally:
            worker.close()


def Moved():  # noqa: N802 (as a class is named)
    """As libgomp does it where GOMP_CPU_AFFINITY is set."""
    os.sched_setaffinity(0, pinnable()[:1])
    return lambda: None


def Watched():  # noqa: N802
    sys.settrace(lambda *_: None)
    return lambda: None


def Allocations():  # noqa: N802
    import tracemalloc

    tracemalloc.start()
    return lambda: None


@pytest.mark.parametrize(
    ("target", "message"), [("Watched", "tracer, coverage or debugger"), ("Allocations", "tracemalloc")]
)
def test_nothing_is_timed_in_a_process_that_is_watched(target, message):
    worker = WorkerProcess("watched", 1, 60)
    try:
        worker.ask("start", target=f"tests.benchmarks.test_doctor:{target}", threads=1, function=True)
        with pytest.raises(Failed, match=message) as failed:
            worker.ask("examine", pinned_to=[])
        assert failed.value.kind == "handicapped" and failed.value.is_foreseen
    finally:
        worker.close()


def FlushingDenormals():  # noqa: N802
    import torch

    assert torch.set_flush_denormal(True)
    return lambda: None


def test_a_library_that_flushes_denormal_numbers_is_reported():
    """The mode is really set, as a library that was built with -ffast-math sets it when it is loaded."""
    pytest.importorskip("torch")
    for target, is_reported in (("FlushingDenormals", True), ("Moved", False)):
        worker = WorkerProcess("flushing", 1, 60)
        try:
            worker.ask("start", target=f"tests.benchmarks.test_doctor:{target}", threads=1, function=True)
            [*actual] = worker.ask("examine", pinned_to=[])["handicaps"]
            assert any("flush denormal numbers to 0" in sentence for sentence in actual) is is_reported
        finally:
            worker.close()


@pytest.mark.skipif(sys.platform != "linux", reason="ptrace is Linux's")
def test_nothing_is_timed_in_a_process_that_a_debugger_is_attached_to():
    """Attached as gdb and strace attach, by ptrace, from this process."""
    seize = 0x4206
    worker = WorkerProcess("debugged", 1, 60)
    try:
        worker.ask("start", target="tests.benchmarks.test_doctor:Moved", threads=1, function=True)
        assert worker.ask("examine", pinned_to=[])["handicaps"] == []
        if ctypes.CDLL(None).ptrace(seize, worker.pid, None, None) != 0:
            pytest.skip("this system does not allow ptrace")
        with pytest.raises(Failed, match="a debugger is attached to the timed process"):
            worker.ask("examine", pinned_to=[])
    finally:
        worker.close()


def test_what_is_compiled_is_not_timed_where_its_compiler_is_off():
    off = {name for name, entry in REGISTRY.items() if turned_off(entry, {"JAX_DISABLE_JIT": "1"})}
    assert {"jax-jit", "jax-flat", "jax-manual", "keras-jax", "equinox"} <= off and "jax-eager" not in off
    off = {name for name, entry in REGISTRY.items() if turned_off(entry, {"TORCHDYNAMO_DISABLE": "1"})}
    assert off == {"torch-compile", "torch-compile-manual", "torch-networks"}
    assert not [name for name, entry in REGISTRY.items() if turned_off(entry, {"JAX_DISABLE_JIT": "0"})]


def test_a_run_tells_and_stores_its_handicaps_and_fails_what_is_turned_off(tmp_path):
    pytest.importorskip("jax")
    path = tmp_path / "run.json"
    tiny = ("--implementations=numpy,jax-jit", "--problems=xor", "--passes=forward", "--batches=4", "--launches=1")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--benchmark-only", *tiny, "--budget=1", f"--benchmark-json={path}"],
        cwd=ROOT,
        env=CLEAN | {"JAX_DISABLE_JIT": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    run_file = json.loads(path.read_text())["samegrad"]
    assert done.returncode == 1
    [failure] = run_file["failures"]
    assert (failure["implementation"], failure["kind"]) == ("jax-jit", "handicapped")
    assert failure["reason"] == "jax-jit is not timed: JAX_DISABLE_JIT=1 turns its compiler off; unset it"
    assert "compilers" in {handicap["handicap"] for handicap in run_file["handicaps"]}
    assert "HANDICAP: JAX_DISABLE_JIT=1 turns off the compiler of jax" in done.stdout


def test_a_machine_without_any_is_fit(monkeypatch):
    monkeypatch.setattr(doctor, "neighbours", lambda machine: iter(()))
    calm = {name: check for name, check in CHECKS.items() if name != "neighbours"}
    machine = Machine({}, Path("/nowhere"), pinnable()[-1:])
    assert [sentence for check in calm.values() for sentence in check(machine)] == []


def test_the_document_is_read_back(tmp_path):
    asked(tmp_path / "found.json")
    assert base.read(tmp_path / "found.json", [Doctor]).pinned_to
