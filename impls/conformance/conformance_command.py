"""`samegrad conformance NAME`: does this implementation keep the contract, and if not, what does it do instead?"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from samegrad.impls.console.options import json_option

if TYPE_CHECKING:
    from samegrad.impls.documents.conformance import Conformance, FaultEntry

TIME_LIMIT_S = 900
"""Seconds for all cases together; a compiler may take seconds for each."""


@click.command("conformance")
@click.argument("name")
@click.option("--problems", default="xor,line", show_default=True, help="Or networks by their layers: 8-64-2:relu.")
@click.option("--device", default="cpu", show_default=True, help="cpu, gpu, cuda:1, mps.")
@json_option("reports/conformance")
def conformance_command(name: str, problems: str, device: str, asked: str | None) -> None:
    """Does an implementation keep the contract? Exit status 1 if not.

    NAME is one of `samegrad list`, or module:Class for one that is not registered yet. It runs in a process of its own.
    """
    from samegrad.impls.child import Failed, call
    from samegrad.impls.console.steps import Steps
    from samegrad.impls.console.terminal import fitted
    from samegrad.impls.devices import split_device
    from samegrad.impls.documents.base import made
    from samegrad.impls.documents.conformance import Conformance
    from samegrad.impls.documents.saving import deliver, place
    from samegrad.impls.errors import Unavailable
    from samegrad.impls.problem import get_problem
    from samegrad.impls.registry import get_entry

    split_device(device)
    chosen = [get_problem(problem.strip()).name for problem in problems.split(",")]
    if ":" not in name and (reason := get_entry(name).missing()):
        raise Unavailable(reason)
    path = place(Conformance, asked)
    target = "samegrad.impls.conformance.examination:examine"
    arguments = {"name": name, "problems": chosen, "device": device}
    try:
        with Steps() as say:
            say(f"{name}: every clause, in a process of its own")
            fields = call(target, arguments, timeout_s=TIME_LIMIT_S, folder=Path.cwd())
    except Failed as failure:
        fields = {
            "implementation": name,
            "ended": f"the process that ran {name} {failure}",
            "left_out": {},
            "clauses": [],
        }
    conforms = "ended" not in fields and all(clause["holds"] is not False for clause in fields["clauses"])
    document = Conformance.of({"date": made(), **fields, "conforms": conforms})
    deliver(lambda: document, path, asked, lambda: click.echo(fitted("\n".join(lines(document)), sys.stdout)))
    sys.exit(0 if conforms else 1)


def lines(document: Conformance) -> list[str]:
    """Return a line for each clause, and a sentence for each way in which one does not hold."""
    name = document.implementation
    if document.ended is not None:
        return [document.ended]
    output = []
    for clause in document.clauses:
        output.append(f"{clause.clause:<11} {WORDS[clause.holds]:<13} {clause.says}")
        alike: dict[str, list[FaultEntry]] = {}
        for fault in clause.faults:
            alike.setdefault(fault.sentence.partition("'s ")[0], []).append(fault)
        for first, *others in alike.values():
            more = f"; {len(others)} more" if others else ""
            output.append(f"    {first.sentence} ({first.case}{more})")
    output += [f"left out: {case}: {reason}" for case, reason in document.left_out.items()]
    broken = [clause.clause for clause in document.clauses if clause.holds is False]
    output.append(f"{name} breaks the contract: {', '.join(broken)}." if broken else f"{name} keeps the contract.")
    return output


WORDS = {True: "holds", False: "BROKEN", None: "not examined"}
