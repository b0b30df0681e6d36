"""The same benchmarks by jobs of a real Slurm: alone on their node, once, and what dies or is ended is named."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from samegrad.benchmarks.documents.run import RunDocument
from samegrad.impls.documents.base import read
from tests.benchmarks.hosts import one_node
from tests.benchmarks.hosts.smallest_run import TINY

pytest.importorskip("submitit")

from samegrad.benchmarks.hosts import on_slurm, slurm

pytestmark = pytest.mark.slow

LONG = (
    "--implementations=numpy,numpy-tutorial,numpy-fast",
    *TINY[1:-1],
    "--budget=600",
    "--benchmark-min-rounds=10000",
)
"""A run of a minute or so that has nothing complete before its end."""
WAIT_S = 150.0

TWO = """
import sys
from pathlib import Path
from samegrad.benchmarks.hosts.measuring import Order
from samegrad.benchmarks.hosts.on_slurm import Nodes, engine
with engine(Nodes(None, None, None)) as measure:
    [(_, result)] = measure(Order(tuple(sys.argv[2:]), 120), {}, Path(sys.argv[1]), lambda text: None)
print(result.began_s, result.ended_s)
"""


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """The configuration of a Slurm of one node, which every command here finds by SLURM_CONF."""
    if reason := one_node.why_not():
        pytest.skip(reason)
    with contextlib.ExitStack() as slurms:
        try:
            configuration = slurms.enter_context(one_node.running(tmp_path_factory.mktemp("slurm")))
        except one_node.DidNotStart as error:
            pytest.skip(str(error))
        patch = slurms.enter_context(pytest.MonkeyPatch.context())
        patch.setenv("SLURM_CONF", str(configuration))
        yield configuration


def started(*arguments, cwd, program=("-m", "samegrad", "hosts", "--slurm")):
    return subprocess.Popen(
        [sys.executable, *program, *map(str, arguments)],
        cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # a background job ignores it
    )  # fmt: skip


def ended(process):
    """Its exit status and output; what is not asked for by the test is not left running."""
    try:
        out, err = process.communicate(timeout=300)
    finally:
        process.kill()
    return process.returncode, out, err


def command(*arguments, cwd):
    return ended(started(*arguments, cwd=cwd))


def measuring():
    """The process that measures, and the number of its job, as soon as there is one."""
    end_s = time.monotonic() + WAIT_S
    while time.monotonic() < end_s:
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                if "samegrad.benchmarks.hosts.leash" in process.cmdline() and "SLURM_JOB_ID" in process.environ():
                    return process, process.environ()["SLURM_JOB_ID"]
        time.sleep(0.1)
    raise AssertionError(f"nothing was measured within {WAIT_S:g} s")


def is_gone(process):
    gone, _ = psutil.wait_procs([process], timeout=30)
    return bool(gone)


def test_a_node_is_measured_by_a_job_and_what_is_missing_is_added(cluster, tmp_path):
    """Its file is all that is left. Another batch is then measured alone."""
    status, out, err = command("--out", "runs", "--", *TINY, cwd=tmp_path)
    [path] = (tmp_path / "runs").iterdir()
    assert re.search(r"^node \S+: saved in runs/\w{12}\.json$", out, re.M), (out, err)
    assert status in (0, 3) and "of 1 hosts can be merged." in out
    first = read(path, [RunDocument])
    assert first.samegrad.environment.identity.host == path.stem
    assert first.samegrad.environment.affinity == tuple(sorted(os.sched_getaffinity(0))), (
        "as many CPUs as without Slurm"
    )

    content = json.loads(path.read_text(encoding="utf-8"))
    for launch in content["samegrad"]["launches"]:  # this machine may be busy, and would then be measured anew
        launch |= {"foreign_cpus": 0.0, "stolen": 0.0}
    path.write_text(json.dumps(content), encoding="utf-8")
    wider = [option.replace("--batches=4", "--batches=4,8") for option in TINY]
    command("--resume", "runs", "--", *wider, cwd=tmp_path)
    again = read(path, [RunDocument])
    samples = {one.group: one.stats.data for one in again.benchmarks}
    assert samples[first.benchmarks[0].group] == pytest.approx(first.benchmarks[0].stats.data)
    assert len(samples) == 2 and again.samegrad.resumed.groups == {first.benchmarks[0].group: 1}


def test_what_takes_too_long_is_ended_and_a_node_that_is_down_is_named(cluster, tmp_path):
    status, out, err = command("--partition", "wide", "--limit", "1", "--out", "runs", "--", *TINY, cwd=tmp_path)
    assert status == 2 and "it took longer than 1 s" in out, (out, err)
    assert re.search(r"^MISSING: node away: Slurm says that it is down", out, re.M), out
    assert "0 of 2 hosts can be merged." in out and not list((tmp_path / "runs").iterdir())


def test_a_job_that_slurm_ends_at_its_time_limit_is_named_with_its_log(cluster, tmp_path):
    """Its end is brought near, since Slurm counts in minutes. Nor is it queued again before."""
    run = started("--out", "runs", "--", *LONG, cwd=tmp_path)
    process, job = measuring()
    assert subprocess.run(["scontrol", "requeue", job], capture_output=True, check=False).returncode != 0
    subprocess.run(["scontrol", "update", f"JobId={job}", "EndTime=now"], check=True)
    status, out, err = ended(run)
    assert status == 2 and f"its job {job} ended as TIMEOUT: slurmstepd" in out, (out, err)
    assert Path(re.search(r"its log is (\S+)", out)[1]).exists() and is_gone(process)


def test_a_job_killed_in_mid_run_is_named_and_its_measuring_ends(cluster, tmp_path):
    run = started("--out", "runs", "--", *LONG, cwd=tmp_path)
    process, job = measuring()
    process.parent().kill()
    status, out, err = ended(run)
    assert status == 2 and re.search(rf"MISSING: node \S+: its job {job} ended as FAILED: .*Killed", out), (out, err)
    assert is_gone(process)


def test_an_interrupt_cancels_the_job(cluster, tmp_path):
    run = started("--out", "runs", "--", *LONG, cwd=tmp_path)
    process, job = measuring()
    run.send_signal(signal.SIGINT)
    status, _, err = ended(run)
    assert status == 130 and "interrupted by SIGINT" in err
    assert (
        is_gone(process)
        and one_node.asked(cluster, "squeue", "-h", "-t", "all", "-j", job, "-o", "%T") == "CANCELLED\n"
    )


def test_two_at_once_take_turns(cluster, tmp_path):
    """Slurm never has both running, and the intervals of their measuring do not overlap."""
    runs = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        runs.append(started(name, *TINY, cwd=tmp_path, program=("-c", TWO)))
    most = 0
    while any(run.poll() is None for run in runs):
        most = max(most, one_node.asked(cluster, "squeue", "-h", "-o", "%T").split().count("RUNNING"))
        time.sleep(0.2)
    answers = [ended(run) for run in runs]
    assert [status for status, _, _ in answers] == [0, 0], answers
    (began_s, ended_s), (next_s, _) = sorted([float(word) for word in out.split()] for _, out, _ in answers)
    assert began_s < ended_s <= next_s
    assert most == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--partition", "nowhere"], "Slurm has no partition 'nowhere'; take --partition with one of: main, wide"),
        (["--nodes", "2"], "--nodes 2: the partition has 1 that take jobs, and 0 that do not"),
        (["--constraint", "nothing"], "Invalid feature specification"),
        (["--partition", "wide", "--constraint", "there"], "0 of 1 nodes have what --constraint there asks for"),
    ],
)
def test_what_slurm_does_not_have_is_one_line_and_status_2(cluster, tmp_path, arguments, message):
    status, out, err = command(*arguments, cwd=tmp_path)
    assert status == 2 and out == "" and err.count("\n") == 1 and message in err and err.startswith("samegrad: "), err
    assert not slurm.answer("squeue", "--noheader")


def test_a_job_that_was_started_again_does_not_measure(monkeypatch, tmp_path):
    monkeypatch.setenv("SLURM_RESTART_COUNT", "1")
    with pytest.raises(RuntimeError, match="not repeated unasked"):
        on_slurm.on_node(on_slurm.Order((), 1.0), tmp_path)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--slurm", "--dask", "tcp://a:1"], "takes one of --dask ADDRESS and --slurm, found both"),
        ([], "takes one of --dask ADDRESS and --slurm, found neither"),
        (["--dask", "tcp://a:1", "--nodes", "2"], "are Slurm's"),
        (["--slurm"], "--slurm needs sbatch in PATH"),
    ],
)
def test_what_does_not_go_together_is_one_line(monkeypatch, tmp_path, arguments, message):
    monkeypatch.setenv("PATH", str(tmp_path))
    status, out, err = ended(started(*arguments, cwd=tmp_path, program=("-m", "samegrad", "hosts")))
    assert status == 2 and out == "" and err.count("\n") == 1 and message in err, err


def test_without_submitit_it_is_said_what_to_install(tmp_path):
    without = "import sys; sys.modules['submitit'] = None; from samegrad.__main__ import main; main()"
    status, out, err = ended(started("hosts", "--slurm", cwd=tmp_path, program=("-c", without)))
    assert status == 2 and err == "samegrad: --slurm needs submitit: pip install 'samegrad[slurm]'\n" and out == ""
