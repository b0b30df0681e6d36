"""`samegrad conformance NAME`: does this implementation keep the contract, and if not, what does it do instead?"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click

TIME_LIMIT_S = 900
"""For all cases together; a compiler may take seconds for each."""


@click.command("conformance")
@click.argument("name")
@click.option("--device", default="cpu", show_default=True, help="cpu, gpu, cuda:1, mps.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def conformance_command(name: str, device: str, as_json: bool) -> None:
    """Does an implementation keep the contract? Exit status 1 if not.

    NAME is one of `samegrad list`, or module:Class for one that is not registered yet. It runs in a process of its own.
    """
    from impls.child import Failed, call
    from impls.devices import split_device
    from impls.errors import Unavailable
    from impls.registry import get_entry

    split_device(device)
    if ":" not in name and (reason := get_entry(name).missing()):
        raise Unavailable(reason)
    click.echo(f"{name}: every clause, in a process of its own …", err=True)
    try:
        target, arguments = "impls.conformance.examination:examine", {"name": name, "device": device}
        found = call(target, arguments, timeout_s=TIME_LIMIT_S, folder=Path.cwd())
    except Failed as failure:
        found = {
            "implementation": name,
            "ended": f"the process that ran {name} {failure}",
            "left_out": {},
            "clauses": [],
        }
    conforms = "ended" not in found and all(clause["holds"] is not False for clause in found["clauses"])
    click.echo(json.dumps({**found, "conforms": conforms}, indent=2) if as_json else "\n".join(lines(found)))
    sys.exit(0 if conforms else 1)


def lines(found: dict[str, Any]) -> list[str]:
    """What was found: a line for each clause, and a sentence for each way in which one does not hold."""
    name = found["implementation"]
    if "ended" in found:
        return [found["ended"]]
    told = []
    for clause in found["clauses"]:
        told.append(f"{clause['clause']:<11} {WORDS[clause['holds']]:<13} {clause['says']}")
        alike: dict[str, list[dict[str, str]]] = {}
        for fault in clause["faults"]:
            alike.setdefault(fault["sentence"].partition("'s ")[0], []).append(fault)
        for first, *others in alike.values():
            more = f"; {len(others)} more" if others else ""
            told.append(f"    {first['sentence']} ({first['case']}{more})")
    told += [f"left out: {case}: {reason}" for case, reason in found["left_out"].items()]
    broken = [clause["clause"] for clause in found["clauses"] if clause["holds"] is False]
    told.append(f"{name} breaks the contract: {', '.join(broken)}." if broken else f"{name} keeps the contract.")
    return told


WORDS = {True: "holds", False: "BROKEN", None: "not examined"}
