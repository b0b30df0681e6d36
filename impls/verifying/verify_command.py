"""The command `samegrad verify`, as click sees it; the front door adds it when it is asked for."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Callable
from typing import Any

import click

from samegrad.impls.console.options import Finite
from samegrad.impls.errors import BadInput, one_line
from samegrad.impls.problem import DTYPES
from samegrad.impls.verifying.conventions import FAMILIES, STRICT


@click.command("verify", context_settings={"max_content_width": 80})
@click.argument("target", metavar="FILE.py:NAME")
@click.option(
    "--loss", metavar="LOSS", help=f"Demand this loss: {', '.join((*STRICT, *FAMILIES))}; or your own, as file.py:name."
)
@click.option(
    "--activations",
    metavar="F,G",
    help="The layers' activations, first to last: sigmoid, tanh, relu, identity, softmax.",
)
@click.option("--sizes", metavar="2-4-1", help="Layer sizes to probe, where the code does not take any.")
@click.option("--init", metavar="ARGS", help='Arguments for a class, as "n_in=2, n_hidden=4".')
@click.option("--parameters", metavar="W1=…,b1=…", help="Which attribute is which, as W1=weights,b1=net.bias,….")
@click.option("--arguments", metavar="x,y,W1,…", help="What a function's arguments are, in order.")
@click.option("--dtype", type=click.Choice(DTYPES), help="Judge it by this precision (default: that of its results).")
@click.option(
    "--frameworks/--no-frameworks", default=False, help="Compare with the installed frameworks' autodiff too."
)
@click.option("--hint", is_flag=True, help="Of a mistake, name the equation to look at and not the mistake.")
@click.option(
    "--time-limit", "time_limit_s", metavar="SECONDS", type=Finite(0.1, 86400), default=60.0, show_default=True
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def verify_command(target: str, as_json: bool, **options: Any) -> None:
    """Is a hand-written gradient right? If not, which mistake is it?

    FILE.py:NAME is a function that returns gradients or takes a step, a class or object that trains, a list of layers,
    a torch.autograd.Function or a jax.custom_vjp; FILE may be a notebook. It is observed in a process of its own, and
    its gradients are compared with an oracle, within the rounding bound.

    Exit status: 0 right, 1 wrong, 2 cannot tell.
    """
    from samegrad.impls.console.steps import Steps
    from samegrad.impls.verifying import render, verify

    try:
        asked = parsed(options)
        with Steps(brief=True) as say:
            say(f"observing {target}")
            report = verify.run(target, **asked)
    except BadInput as error:
        click.echo(f"samegrad verify: {one_line(error)}", err=True)
        sys.exit(2)
    if as_json:
        click.echo(render.to_json(report))
    else:
        render.show(report)
    sys.exit(report.exit_code)


def parsed(options: dict[str, Any]) -> dict[str, Any]:
    """The options as `verify.run` takes them. Raises BadInput where one cannot be read."""
    return {name: READ[name](value) if name in READ and value is not None else value for name, value in options.items()}


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def _sizes(text: str) -> list[int]:
    parts = text.replace(",", "-").split("-")
    if len(parts) < 2 or not all(re.fullmatch(r"\s*0*[1-9][0-9]{0,8}\s*", part, re.ASCII) for part in parts):
        raise BadInput(f"--sizes {text!r}: give the layer sizes as 2-4-1")
    return [int(part) for part in parts]


def _keywords(text: str) -> dict[str, Any]:
    """ "n_in=2, layers=[2, 4, 1]" as a dictionary; literals only, nothing is executed."""
    try:
        call = ast.parse(f"f({text})", mode="eval").body
        if not isinstance(call, ast.Call) or call.args:
            raise ValueError
        return {keyword.arg: ast.literal_eval(keyword.value) for keyword in call.keywords if keyword.arg}
    except (SyntaxError, ValueError):
        raise BadInput(f'--init {text!r}: give names and plain values, as "n_in=2, layers=[2, 4, 1]"') from None


def _mapping(text: str) -> dict[str, str]:
    pairs = [part.split("=", 1) for part in text.split(",") if part.strip()]
    valid = all(len(p) == 2 and p[0].strip()[:1] in ("W", "b") and p[0].strip()[1:].isdecimal() for p in pairs)
    if not pairs or not valid:
        raise BadInput(f"--parameters {text!r}: give W1=attribute,b1=attribute,W2=… ; a bias may be left out")
    return {tensor.strip(): name.strip() for tensor, name in pairs}


READ: dict[str, Callable[[str], Any]] = {
    "activations": _words,
    "arguments": _words,
    "sizes": _sizes,
    "init": _keywords,
    "parameters": _mapping,
}


if __name__ == "__main__":
    verify_command()
