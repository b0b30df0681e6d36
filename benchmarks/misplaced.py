"""The part of the plugin that pytest finds by itself: it says what to write where the rest was not loaded.

pytest looks for a project's settings from the paths on its command line, before it knows any plugin's options. In
`--resume /elsewhere/run.json` it takes the file for a test, finds no settings there, and then does not know the option.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import pytest

PLUGIN = "samegrad.benchmarks.plugin"
SETTINGS = "pyproject.toml"


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config, args: Sequence[str]) -> None:
    """Refuse the path of an option in a folder whose settings were passed over for it."""
    folder = early_config.invocation_params.dir
    if early_config.pluginmanager.hasplugin(PLUGIN) or not _loads_us(folder / SETTINGS):
        return
    for option, path in pairwise(args):
        if option.startswith("--") and "=" not in option and not path.startswith("-") and (folder / path).exists():
            raise pytest.UsageError(
                f"write {option}={path}, with the sign: pytest takes {path} for a test, and leaves {SETTINGS} unread"
            )


def _loads_us(settings: Path) -> bool:
    try:
        return PLUGIN in settings.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return False
