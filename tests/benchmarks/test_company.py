"""What others do while something is measured is seen, and what it does itself is not counted as theirs."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from types import SimpleNamespace

import pytest

from samegrad.benchmarks.clock import company as module
from samegrad.benchmarks.clock.company import Company, spent_s

SPIN = "import time\nend = time.process_time() + {}\nwhile time.process_time() < end: pass"


def ticks(**spent):
    fields = ("user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal")
    return SimpleNamespace(_fields=fields, **(dict.fromkeys(fields, 0.0) | spent))


def watched(monkeypatch, after, ours_s):
    """The shares of a block in which the CPUs did `after`, and `ours_s` of it was ours."""
    readings, own = iter((ticks(), after)), iter((0.0, ours_s))
    monkeypatch.setattr(module.psutil, "cpu_times", lambda: next(readings))
    monkeypatch.setattr(module.psutil, "cpu_count", lambda: 4)
    monkeypatch.setattr(module, "spent_s", lambda: next(own))
    company = Company()
    with company.watched():
        pass
    return company.shares()


def test_all_that_is_not_ours_is_foreign(monkeypatch):
    """Ten seconds of four CPUs: 12 s busy, of which 9 s ours."""
    after = ticks(user=10, nice=1, system=1, idle=27.2, steal=0.8)
    assert watched(monkeypatch, after, 9.0) == {"foreign_cpus": 0.3, "stolen": 0.02}


def test_alone_is_zero_and_never_less(monkeypatch):
    assert watched(monkeypatch, ticks(user=9, idle=31), 9.02) == {"foreign_cpus": 0.0, "stolen": 0.0}


def test_a_clock_that_does_not_move_gives_no_shares(monkeypatch):
    assert watched(monkeypatch, ticks(), 0.0) == {}


@pytest.mark.skipif(not os.path.exists("/proc/stat"), reason="needs /proc/stat")
@pytest.mark.parametrize("is_reaped", [True, False])
def test_what_a_child_spends_is_ours_while_it_lives_and_after(is_reaped):
    before_s = spent_s()
    child = subprocess.Popen([sys.executable, "-S", "-c", SPIN.format(0.3) + "\nprint(1, flush=True)\ninput()"],
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # fmt: skip
    child.stdout.readline()
    if is_reaped:
        child.communicate(b"\n")
    grown_s = spent_s() - before_s
    if not is_reaped:
        child.communicate(b"\n")
    assert 0.25 < grown_s < 5


@pytest.mark.skipif(not os.path.exists("/proc/stat"), reason="needs /proc/stat")
def test_a_program_that_is_no_child_is_seen():
    """Started by a shell that ends at once, so that it is nobody's descendant."""
    subprocess.run(["sh", "-c", f"{sys.executable} -S -c '{SPIN.format(1.0)}' >/dev/null 2>&1 &"], check=True)
    company = Company()
    with company.watched():
        time.sleep(0.6)
    assert company.busy_s - company.ours_s > 0.05
