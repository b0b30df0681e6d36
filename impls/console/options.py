"""Options that are alike for several commands: `--json [PATH]`, finite numbers, and how much may be asked for."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from samegrad.impls.errors import BadInput

ALONE = "-"
"""The value of `--json` without a path: standard output."""

MOST_LAUNCHES = 100
MOST_THREADS = 1024
LONGEST_S = 7 * 24 * 3600.0
"""A week: what would take longer is refused before it begins."""


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


def percentage(option: str, text: str) -> float:
    """The share of a percentage: `5%` or `5` → 0.05. Raises BadInput for anything else and for a negative one."""
    try:
        value = float(str(text).strip().removesuffix("%")) / 100
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and value >= 0):
        raise BadInput(f"{option} must be a percentage of at least 0, such as 5%, found {text!r}")
    return value


def margin_of(text: str) -> float:
    """The difference that matters, as a share: more than 0 and less than 1. Raises BadInput."""
    try:
        share = float(text.removesuffix("%")) / 100
    except ValueError:
        share = math.nan
    if not 0 < share < 1:
        raise BadInput(f"--margin takes a percentage between 0 and 100, such as 5%, found {text!r}")
    return share


class GivenPath(click.Path):
    """A click type: a path; an empty one, which would be the current folder, is not."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        if not str(value):
            self.fail("it is empty; give . for the current folder.", param, ctx)
        return Path(os.fsdecode(super().convert(value, param, ctx)))


class Finite(click.FloatRange):
    """A click type: a number within limits; `nan` and `inf`, which click lets pass, are not."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        number = float(super().convert(value, param, ctx))
        if not math.isfinite(number):
            self.fail(f"{value} is no finite number.", param, ctx)
        return number
