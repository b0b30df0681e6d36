"""The states of Slurm's nodes and jobs. Jobs are looked up by squeue: clusters without accounting have no sacct."""

from __future__ import annotations

import subprocess

from samegrad.impls.errors import BadInput, Unavailable, one_line

ANSWER_S = 60
AWAY = ("down", "drain", "fail", "maint", "unknown", "error")
"""The beginnings of the states of nodes that take no job; a star at the end marks a node that does not answer."""
FORGOTTEN = "FORGOTTEN"
"""The state of a job that ended so long ago that Slurm has nothing of it any more."""
ENDED = (
    "BOOT_FAIL", "CANCELLED", "COMPLETED", "DEADLINE", "FAILED", "NODE_FAIL", "OUT_OF_MEMORY", "PREEMPTED", "REVOKED",
    "TIMEOUT", FORGOTTEN,
)  # fmt: skip
"""The states of jobs that will not go on."""


def answer(*command: str) -> list[list[str]]:
    """The fields of each line that a command prints, split at bars. Raises Unavailable where it fails."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=ANSWER_S, check=True)
    except subprocess.CalledProcessError as error:
        raise Unavailable(f"{command[0]} fails: {one_line(error.stderr)}") from None
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Unavailable(f"{command[0]} does not answer: {one_line(error)}") from None
    return [line.split("|") for line in done.stdout.splitlines()]


def nodes(partition: str | None) -> tuple[list[str], dict[str, str]]:
    """The nodes of a partition that take jobs, idle ones first, and by node the state of the others.

    Without a name it is Slurm's default partition. Raises BadInput where it is not there.
    """
    rows = answer("sinfo", "--noheader", "--Node", "--format=%N|%T|%P")
    default = next((name for *_, name in rows if name.endswith("*")), None)
    states = {node: state for node, state, name in rows if name in (partition or default, f"{partition}*")}
    if not states:
        known = ", ".join(sorted({name.rstrip("*") for *_, name in rows}))
        what = f"Slurm has no partition {partition!r}" if partition else "Slurm has no default partition"
        raise BadInput(f"{what}; take --partition with one of: {known}")
    away = {node: state for node, state in states.items() if state.startswith(AWAY) or "*" in state}
    return sorted(states.keys() - away.keys(), key=lambda node: (states[node] != "idle", node)), away


def states(name: str) -> dict[str, str]:
    """The state of each job of this name, by its number. Raises Unavailable where Slurm does not answer."""
    return {
        number: state
        for number, state in answer("squeue", "--noheader", "--states=all", f"--name={name}", "--format=%i|%T")
    }


def cancel(name: str) -> None:
    """Cancel the jobs of this name, also those whose numbers never came back."""
    subprocess.run(["scancel", f"--name={name}"], capture_output=True, timeout=ANSWER_S, check=False)
