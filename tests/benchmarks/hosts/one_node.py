"""Slurm on this machine alone, without systemd: munge, its controller and its node, all in one folder.

A second node, `away`, is only a name: nothing answers there.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "setpriv")
START_S = 60.0
CONFIGURATION = """
ClusterName=samegrad
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller_port}
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/socket
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerParameters=sched_interval=1
ReturnToService=2
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
MpiDefault=none
NodeName={host} NodeAddr=127.0.0.1 Port={node_port} CPUs={cpus} Feature=here
NodeName=away NodeAddr=127.0.0.1 Port={no_port} CPUs={cpus} Feature=there State=DOWN
PartitionName=main Nodes={host} Default=YES
PartitionName=wide Nodes=ALL
"""


class DidNotStart(Exception):
    """Raised where a daemon ends, or does not answer, on this machine."""


def why_not() -> str:
    """What this machine lacks for it; empty where it has all."""
    missing = [name for name in PROGRAMS if not shutil.which(name)]
    if missing:
        return f"needs {', '.join(missing)}: apt-get install slurm-wlm munge"
    return "" if os.geteuid() == 0 else "needs root, as Slurm's node does"


@contextmanager
def running(folder: Path) -> Iterator[Path]:
    """Its configuration, for SLURM_CONF; afterwards neither jobs nor daemons are left. Raises DidNotStart."""
    host = socket.gethostname().partition(".")[0]
    controller_port, node_port, no_port = _free_ports(3)
    configuration, key = folder / "slurm.conf", folder / "munge.key"
    configuration.write_text(
        CONFIGURATION.format(
            host=host, folder=folder, cpus=os.cpu_count(), controller_port=controller_port, node_port=node_port,
            no_port=no_port,
        ),
        encoding="utf-8",
    )  # fmt: skip
    key.write_bytes(secrets.token_bytes(64))
    key.chmod(0o400)
    files = {
        "key-file": "munge.key",
        "socket": "socket",
        "pid-file": "munge.pid",
        "log-file": "log",
        "seed-file": "seed",
    }
    munge = ["munged", "--force", "--foreground", *(f"--{name}={folder / file}" for name, file in files.items())]
    daemons: list[subprocess.Popen[bytes]] = []
    try:
        daemons.append(_daemon(munge, configuration))
        _wait_for((folder / "socket").exists, daemons, "munge's socket")
        daemons += [_daemon([name, "-D"], configuration) for name in ("slurmctld", "slurmd")]
        _wait_for(lambda: "idle" in asked(configuration, "sinfo", "-h", "-p", "main", "-o", "%T"), daemons, "the node")
        yield configuration
    finally:
        asked(configuration, "scancel", "--user=root")
        _end_all(configuration)


def _end_all(configuration: Path) -> None:
    """End whatever was started with this configuration: daemons, their jobs, and commands that wait for these.

    The raw environment is searched: slurmstepd writes its title over a part of it.
    """
    ours, wanted = [], f"SLURM_CONF={configuration}".encode()
    for process in psutil.process_iter():
        with contextlib.suppress(OSError, psutil.Error):
            if process.pid != os.getpid() and wanted in Path(f"/proc/{process.pid}/environ").read_bytes():
                ours.append(process)
                process.terminate()
    _, alive = psutil.wait_procs(ours, timeout=5)
    for process in alive:
        process.kill()
    psutil.wait_procs(alive, timeout=5)


def asked(configuration: Path, *command: str) -> str:
    """What a command of Slurm prints."""
    environ = os.environ | {"SLURM_CONF": str(configuration)}
    return subprocess.run(command, env=environ, capture_output=True, text=True, check=False, timeout=60).stdout


def _daemon(command: list[str], configuration: Path) -> subprocess.Popen[bytes]:
    """Started so that it ends with this process, even where that is killed."""
    with configuration.with_name(f"{command[0]}.output").open("wb") as output:
        return subprocess.Popen(
            ["setpriv", f"--pdeathsig={signal.SIGTERM.name.removeprefix('SIG')}", *command],
            env=os.environ | {"SLURM_CONF": str(configuration)},
            stdout=output,
            stderr=output,
        )


def _wait_for(is_there, daemons: list[subprocess.Popen[bytes]], what: str) -> None:
    end_s = time.monotonic() + START_S
    while not is_there():
        dead = [daemon.args for daemon in daemons if daemon.poll() is not None]
        if dead or time.monotonic() > end_s:
            raise DidNotStart(f"{what} did not come within {START_S:g} s; ended: {dead}")
        time.sleep(0.2)


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports
