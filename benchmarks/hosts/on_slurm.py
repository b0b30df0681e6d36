"""Hosts by Slurm: an exclusive job on each node, sent by submitit, and each result taken as soon as it is there.

Each node has a job of its own, so that none waits for another's node, and a node that dies takes no other's result.
Results come by the folder, which the nodes share.
"""

from __future__ import annotations

import contextlib
import io
import math
import os
import secrets
import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from samegrad.benchmarks.clock.identity import identity
from samegrad.benchmarks.hosts import slurm
from samegrad.benchmarks.hosts.measuring import GRACE_S, Lost, Measure, Measured, Order, measure
from samegrad.impls.errors import BadInput, Unavailable, one_line

LOOK_S = 2.0
START_S = 120.0
"""For Python to start from a shared disk, beside what a measurement takes."""
SETTLE = 5
"""So many looks after the end of its job its result and log are there, or will not come: shared disks are late."""
UNFIT = "Requested node configuration is not available"
"""What sbatch says where the node lacks what the constraint asks for."""


class Nodes(NamedTuple):
    """Which nodes to measure on; where nothing is said: of the default partition, whatever they have, and all."""

    partition: str | None
    constraint: str | None
    number: int | None


@contextlib.contextmanager
def engine(wanted: Nodes) -> Iterator[Measure]:
    """What measures on each of these nodes; its jobs are cancelled where anything is raised.

    Raises BadInput for a partition that is not there, and Unavailable without submitit or Slurm.
    """
    try:
        import submitit  # noqa: F401
    except ImportError:
        raise Unavailable("--slurm needs submitit: pip install 'samegrad[slurm]'") from None
    if not shutil.which("sbatch"):
        raise Unavailable("--slurm needs sbatch in PATH; run this where Slurm's jobs are sent from, as on a login node")
    name = f"samegrad-{secrets.token_hex(4)}"
    able, away = slurm.nodes(wanted.partition)
    if len(able) < (wanted.number or 0):
        raise BadInput(
            f"--nodes {wanted.number}: the partition has {len(able)} that take jobs, and {len(away)} that do not"
        )
    try:
        yield partial(results, name, wanted, able, {} if wanted.number else away)
    except BaseException:
        slurm.cancel(name)
        raise


def results(
    name: str,
    wanted: Nodes,
    able: Sequence[str],
    away: Mapping[str, str],
    order: Order,
    earlier: Mapping[str, str],
    folder: Path,
    say: Callable[[str], None],
) -> Iterator[tuple[str, Measured | Lost]]:
    """Each node with its result as it comes in, after those that take no job. Raises BadInput where too few fit."""
    own = folder / name
    own.mkdir()
    for host, text in earlier.items():
        Path(own, f"{host}.json").write_text(text, encoding="utf-8")
    try:
        jobs = _submitted(name, wanted, able, order, own)
    except BadInput:
        shutil.rmtree(own, ignore_errors=True)
        raise
    yield from ((f"node {node}", Lost(f"Slurm says that it is {state}")) for node, state in away.items())
    all_came = True
    for node, result in _awaited(name, jobs, say):
        all_came = all_came and isinstance(result, Measured)
        yield f"node {node}", result
    if all_came:
        shutil.rmtree(own, ignore_errors=True)


def on_node(order: Order, folder: Path) -> Measured:
    """`measure`, going on with what the folder has of this host. Raises RuntimeError in a job that is run again."""
    if os.environ.get("SLURM_RESTART_COUNT", "0") != "0":
        raise RuntimeError("Slurm started this job again; a measurement is not repeated unasked")
    earlier = folder / f"{identity()['host']}.json"
    return measure(order._replace(earlier=earlier.read_text(encoding="utf-8")) if earlier.exists() else order)


def _submitted(name: str, wanted: Nodes, able: Sequence[str], order: Order, folder: Path) -> dict[str, Any]:
    """By node its job. Raises BadInput with what sbatch says, and where fewer nodes than wanted fit."""
    import submitit

    executor = submitit.SlurmExecutor(folder)
    executor.update_parameters(
        job_name=name,
        partition=wanted.partition,
        constraint=wanted.constraint,
        time=math.ceil((order.limit_s + GRACE_S + START_S) / 60),
        exclusive=True,
        use_srun=False,  # a step would be bound to the CPUs that it asks for, and a job is not
        additional_parameters={"mem": 0, "no-requeue": True},  # 0 is all of the node's memory
    )
    jobs: dict[str, Any] = {}
    for node in able:
        if len(jobs) == wanted.number:
            break
        executor.update_parameters(nodelist=node)
        try:
            with contextlib.redirect_stderr(io.StringIO()):
                jobs[node] = executor.submit(on_node, order, folder.absolute())
        except Exception as error:  # submitit's, with what sbatch wrote
            if not (wanted.constraint and UNFIT in str(error)):
                raise BadInput(f"Slurm takes no job for {node}: {one_line(error)}") from None
    if len(jobs) < (wanted.number or min(1, len(able))):
        raise BadInput(f"{len(jobs)} of {len(able)} nodes have what --constraint {wanted.constraint} asks for")
    return jobs


def _awaited(name: str, jobs: Mapping[str, Any], say: Callable[[str], None]) -> Iterator[tuple[str, Measured | Lost]]:
    """Each node with what its job came to. While Slurm does not answer, jobs are taken to go on."""
    left, looks = dict(jobs), Counter[str]()
    while left:
        try:
            known = slurm.states(name)
            states = {node: known.get(job.job_id, slurm.FORGOTTEN) for node, job in left.items()}
        except Unavailable:
            states = dict.fromkeys(left, "UNKNOWN")
        say("jobs: " + ", ".join(f"{count} {state.lower()}" for state, count in Counter(states.values()).items()))
        for node, state in states.items():
            looks[node] += state in slurm.ENDED
            if result := _outcome(left[node], state, looks[node] > SETTLE):
                del left[node]
                yield node, result
        time.sleep(LOOK_S if left else 0)


def _outcome(job: Any, state: str, settled: bool) -> Measured | Lost | None:
    """What a job came to; None while that is open. A result without a run file waits for what Slurm says of its job."""
    there = job.paths.result_pickle.exists()
    try:
        result = job.result() if there else None
    except Exception:  # the job's own; its log ends with it
        result = None
    if result and result.content:
        return result
    if result and state in ("COMPLETED", slurm.FORGOTTEN):
        return result
    return Lost(_reason(job, state)) if settled else None


def _reason(job: Any, state: str) -> str:
    """How the job ended, with the last words of its log and where that is."""
    log = job.paths.stderr
    words = log.read_text(encoding="utf-8", errors="replace").splitlines() if log.exists() else []
    last = next((f": {one_line(line)}" for line in reversed(words) if line.strip() and "submitit" not in line[:8]), "")
    return f"its job {job.job_id} ended as {state}{last}" + (f"; its log is {log}" if words else "")
