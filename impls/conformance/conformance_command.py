"""`samegrad conformance NAME`: does this implementation keep the contract, and if not, what does it do instead?"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from samegrad.impls.options import json_option

if TYPE_CHECKING:
    from samegrad.impls.documents.conformance import Conformance, Fault

TIME_LIMIT_S = 900
"""For all cases together; a compiler may take seconds for each."""


@click.command("conformance")
@click.argument("name")
@click.option("--device", default="cpu", show_default=True, help="cpu, gpu, cuda:1, mps.")
@json_option("reports/conformance")
def conformance_command(name: str, device: str, asked: str | None) -> None:
    """Does an implementation keep the contract? Exit status 1 if not.

    NAME is one of `samegrad list`, or module:Class for one that is not registered yet. It runs in a process of its own.
    """
    from samegrad.impls.child import Failed, call
    from samegrad.impls.devices import split_device
    from samegrad.impls.documents.base import made
    from samegrad.impls.documents.conformance import Conformance
    from samegrad.impls.documents.saving import deliver, place
    from samegrad.impls.errors import Unavailable
    from samegrad.impls.registry import get_entry

    split_device(device)
    if ":" not in name and (reason := get_entry(name).missing()):
        raise Unavailable(reason)
    path = place(Conformance, asked)
    click.echo(f"{name}: every clause, in a process of its own …", err=True)
    try:
        target, arguments = "samegrad.impls.conformance.examination:examine", {"name": name, "device": device}
        found = call(target, arguments, timeout_s=TIME_LIMIT_S, folder=Path.cwd())
    except Failed as failure:
        found = {
            "implementation": name,
            "ended": f"the process that ran {name} {failure}",
            "left_out": {},
            "clauses": [],
        }
    conforms = "ended" not in found and all(clause["holds"] is not False for clause in found["clauses"])
    told = Conformance.of({"date": made(), **found, "conforms": conforms})
    deliver(lambda: told, path, asked, lambda: click.echo("\n".join(lines(told))))
    sys.exit(0 if conforms else 1)


def lines(found: Conformance) -> list[str]:
    """What was found: a line for each clause, and a sentence for each way in which one does not hold."""
    name = found.implementation
    if found.ended is not None:
        return [found.ended]
    told = []
    for clause in found.clauses:
        told.append(f"{clause.clause:<11} {WORDS[clause.holds]:<13} {clause.says}")
        alike: dict[str, list[Fault]] = {}
        for fault in clause.faults:
            alike.setdefault(fault.sentence.partition("'s ")[0], []).append(fault)
        for first, *others in alike.values():
            more = f"; {len(others)} more" if others else ""
            told.append(f"    {first.sentence} ({first.case}{more})")
    told += [f"left out: {case}: {reason}" for case, reason in found.left_out.items()]
    broken = [clause.clause for clause in found.clauses if clause.holds is False]
    told.append(f"{name} breaks the contract: {', '.join(broken)}." if broken else f"{name} keeps the contract.")
    return told


WORDS = {True: "holds", False: "BROKEN", None: "not examined"}
