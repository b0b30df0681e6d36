"""The value of an option of `pytest --benchmark-only`, checked: each raises BadInput with one line for the user."""

from __future__ import annotations

import math
import os
import shlex

import pytest

from samegrad.impls.console.options import LONGEST_S
from samegrad.impls.errors import BadInput


def option_name(name: str) -> str:
    """The option as it is typed: `benchmark_timer` → `--benchmark-timer`."""
    return f"--{name.replace('_', '-')}"


def was_given(config: pytest.Config, name: str) -> bool:
    """Whether the user gave this option, on the command line, in PYTEST_ADDOPTS or in the configuration."""
    typed = [
        *config.invocation_params.args,
        *shlex.split(os.environ.get("PYTEST_ADDOPTS", "")),
        *config.getini("addopts"),
    ]
    return any(str(argument).partition("=")[0] == option_name(name) for argument in typed)


def listed(option: str, text: str) -> list[str]:
    """The different names of a list that commas separate, in order; at least one."""
    names = [name.strip() for name in text.split(",") if name.strip()]
    if not names:
        raise BadInput(f"{option} is empty; give one name or several, separated by commas")
    return list(dict.fromkeys(names))


def whole(option: str, text: str, at_least: int, at_most: float = math.inf) -> int:
    """A whole number within limits."""
    try:
        number = int(text)
    except ValueError:
        number = at_least - 1
    if not at_least <= number <= at_most:
        limit = f" and at most {at_most}" if at_most < math.inf else ""
        raise BadInput(f"{option} takes a whole number of at least {at_least}{limit}, found {text!r}")
    return number


def seconds(option: str, text: str, at_most: float = LONGEST_S) -> float:
    """A positive number of seconds, a week at most."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 < number <= at_most:
        raise BadInput(f"{option} takes a positive number of seconds, at most {at_most:g}, found {text!r}")
    return number
