"""The option `--json [PATH]`, alike for every command that measures."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

ALONE = "-"
"""The value of `--json` without a path: standard output."""


def json_option(default: str) -> Callable[[Any], Any]:
    """A click option whose value `asked` is None without it, `-` for `--json` alone, and otherwise the path."""
    return click.option(
        "--json",
        "asked",
        is_flag=False,
        flag_value=ALONE,
        metavar="[PATH]",
        help=f"Save the document as PATH; without PATH, print it and nothing else.  [default: {default}/…]",
    )
