"""Options that are alike for several commands: `--json [PATH]`, and numbers that are finite."""

from __future__ import annotations

import math
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


class Finite(click.FloatRange):
    """A click type: a number within limits; `nan` and `inf`, which click lets pass, are not."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        number = float(super().convert(value, param, ctx))
        if not math.isfinite(number):
            self.fail(f"{value} is no finite number.", param, ctx)
        return number
