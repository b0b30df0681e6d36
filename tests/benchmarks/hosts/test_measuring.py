"""The lock of a host keeps measurements apart, and the leash ends what nobody waits for."""

from __future__ import annotations

import subprocess
import sys
import time

from samegrad.benchmarks.clock.identity import identity
from samegrad.benchmarks.hosts import measuring
from samegrad.benchmarks.hosts.collecting import Collection
from samegrad.benchmarks.hosts.measuring import Lost, Measured, environment, lock_of_this_machine, locked

HOLD = """
import sys, time
from pathlib import Path
from samegrad.benchmarks.hosts.measuring import locked
with locked(Path(sys.argv[1])):
    print(time.time(), flush=True)
    time.sleep(0.5)
    print(time.time(), flush=True)
"""


def holding(path):
    return subprocess.Popen([sys.executable, "-c", HOLD, str(path)], stdout=subprocess.PIPE, text=True)


def held_by_each(*paths):
    """From when to when each process held its lock, the first first; all were started at once."""
    processes = [holding(path) for path in paths]
    return sorted([float(line) for line in process.communicate(timeout=60)[0].split()] for process in processes)


def test_one_lock_is_held_by_one_at_a_time(tmp_path):
    (_, ended_s), (began_s, _) = held_by_each(tmp_path / "lock", tmp_path / "lock")
    assert ended_s <= began_s


def test_the_lock_is_of_the_machine_s_boot_and_not_of_the_user_s_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("TMPDIR", "/nowhere")
    (tmp_path / "boot_id").write_text("3f2a-77\n", encoding="utf-8")
    assert lock_of_this_machine(tmp_path / "boot_id") == measuring.LOCKS / "samegrad-3f2a-77.lock"


def test_the_lock_is_of_the_host_where_the_boot_has_no_name(tmp_path):
    assert lock_of_this_machine(tmp_path / "absent") == measuring.LOCKS / f"samegrad-{identity()['host']}.lock"


def test_whoever_inherits_the_lock_holds_it_on(tmp_path):
    """The worker is gone, its measuring process is not: another one still waits."""
    with locked(tmp_path / "lock") as lock:
        child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, pass_fds=[lock])
    waiting = holding(tmp_path / "lock")
    time.sleep(1.5)
    ended_s = time.time()
    child.communicate(b"\n")
    assert float(waiting.communicate(timeout=60)[0].split()[0]) >= ended_s


def test_what_the_engine_has_set_is_dropped_and_what_the_user_has_is_kept(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setenv("MKL_NUM_THREADS", "2")
    kept = environment({"OMP_NUM_THREADS": 1, "MKL_NUM_THREADS": 1, "ABSENT": 1})
    assert "OMP_NUM_THREADS" not in kept and kept["MKL_NUM_THREADS"] == "2"


def test_what_is_missing_is_named_and_what_is_no_run_file_too(tmp_path):
    run = Collection(tmp_path)
    assert run.take("tcp://b", Lost("it died")) == "tcp://b: no result: it died"
    assert "status 4: ERROR: x" in run.take("node b", Measured("b" * 12, "", 0, 1, 4, ("…", "ERROR: x")))
    assert "saved in" in run.take("node c", Measured("c" * 12, "{}", 0, 1, 0, ()))
    lines, status = run.conclusion()
    assert lines[0] == "0 of 3 hosts can be merged." and status == 2
    assert sum(line.startswith("MISSING: ") for line in lines) == 3
